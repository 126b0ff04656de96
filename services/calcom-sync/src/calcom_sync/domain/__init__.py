"""The rules of the sync, pure: values in, values or refusals out."""
