"""What each ε means to an attacker who decides whether one unit was among the rows: the table of docs/privacy.md."""

from __future__ import annotations

EPSILONS = (0.1, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0)
DELTA = 1e-5


def main() -> None:
    from synthkit.privacy.accounting import accountant, bounds
    from synthkit.privacy.accounting.mechanisms import Gaussian

    print(
        f"| ε (δ = {DELTA:g}) | accuracy | AUC | TPR at 1 % FPR | of Gaussian noise: accuracy | AUC | TPR at 1 % FPR |"
    )
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for epsilon in EPSILONS:
        noise = accountant.calibrate(lambda x: [Gaussian(x)], epsilon, DELTA)
        cells = [f"{epsilon:g}"]
        for found in (bounds.of_budget(epsilon, DELTA), bounds.of_mechanisms([Gaussian(noise)])):
            cells += [f"{found.accuracy:.3f}", f"{found.auc:.3f}", f"{found.tpr(0.01):.4f}"]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
