"""The contract of this component; its implementations are found through `components.registry`."""

from components.bucket.contract import Bucket, BucketInputs, BucketOutputs

__all__ = ["Bucket", "BucketInputs", "BucketOutputs"]
