"""What a composition of mechanisms costs: (ε, δ), losses, noise, bounds on attackers."""
