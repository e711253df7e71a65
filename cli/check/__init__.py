"""What is looked at before a cell is brought up or changed: findings with a state, a reason and a fix."""
