"""The rules, pure: values in, values or refusals out."""
