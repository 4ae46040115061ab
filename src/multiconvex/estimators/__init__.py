"""scikit-learn estimators: thin shells around the models."""
