"""The programs of a rehearsal's pods: engines, exporters, gateway, load, and the record of what truly happened."""
