"""The review app: pages over what a project's runs left, for those who decide about them."""
