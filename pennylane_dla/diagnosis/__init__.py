"""From predictions to what a person decides by: the gradient against the noise of the shots, verdict and causes."""
