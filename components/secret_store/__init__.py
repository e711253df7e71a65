"""The contract of this component; its implementations are found through `components.registry`."""

from components.secret_store.contract import SecretStore, SecretStoreInputs, SecretStoreOutputs

__all__ = ["SecretStore", "SecretStoreInputs", "SecretStoreOutputs"]
