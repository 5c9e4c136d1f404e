"""Trains the two committed models on UCI "Default of Credit Card Clients" (Yeh 2016, CC BY 4.0) and prints their AUC.

    python test/data/train-model.py UCI_Credit_Card.csv test/data/models

Needs numpy and scikit-learn (made with 2.4.6 and 1.9.1). Rows with ID % 10 < 7 train, the other three tenths are the
holdout; the fit (lbfgs, L2 with C = 1) draws no randomness. Features are standardised with the training rows' mean and
deviation and clipped as the model files say, so that training sees what scoring computes.
"""
import csv
import json
import re
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

MONTHS = range(1, 7)
BANK = ["LIMIT_BAL", "SEX", "EDUCATION", "MARRIAGE", "AGE"]
BANK += [f"BILL_AMT{m}" for m in MONTHS] + [f"PAY_AMT{m}" for m in MONTHS]
PARTNER = ["PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6"]
TARGET = "default.payment.next.month"
CLIP = [-8, 8]
# Upper bounds of the probability of default, best tier first.
TIERS = {"A": 0.1, "B": 0.2, "C": 0.3, "D": 0.5, "E": 1}


def train(rows, columns, name):
    x = np.array([[float(row[column]) for column in columns] for row in rows])
    y = np.array([int(row[TARGET]) for row in rows])
    fit = np.array([int(row["ID"]) % 10 < 7 for row in rows])
    mean = np.round(x[fit].mean(axis=0), 4)
    sd = np.round(x[fit].std(axis=0), 4)
    z = np.clip((x - mean) / sd, *CLIP)
    model = LogisticRegression(C=1.0, tol=1e-8, max_iter=10_000).fit(z[fit], y[fit])
    p = model.predict_proba(z)[:, 1]
    print(f"{name}: {fit.sum()} rows train, {(~fit).sum()} holdout")
    print(f"  AUC train {roc_auc_score(y[fit], p[fit]):.4f}, holdout {roc_auc_score(y[~fit], p[~fit]):.4f}")
    lower = 0
    for tier, upper in TIERS.items():
        inside = ~fit & (p > lower) & (p <= upper)
        rate = y[inside].mean() if inside.any() else float("nan")
        print(f"  tier {tier}: {inside.sum()} of the holdout, default rate {rate:.3f}")
        lower = upper
    features = [
        {
            "party": "partner" if column in PARTNER else "own",
            "column": column,
            "weight": round(float(model.coef_[0][j]), 8),
            "standardise": {"mean": float(mean[j]), "sd": float(sd[j])},
            "clip": CLIP,
            "missing": float(mean[j]),
        }
        for j, column in enumerate(columns)
    ]
    return {
        "format": "entente-linear/1",
        "name": name,
        "version": "1",
        "kind": "logistic-regression",
        "link": "logit",
        "intercept": round(float(model.intercept_[0]), 8),
        "features": features,
        "tiers": [{"tier": tier, "maxProbability": upper} for tier, upper in TIERS.items()],
        "tagKey": "risk:default",
    }


def write(path, model):
    text = json.dumps(model, indent=2)
    text = re.sub(r"\[\s+(-?\d+),\s+(-?\d+)\s+\]", r"[\1, \2]", text)
    path.write_text(text + "\n")


def main(source, folder):
    with open(source, newline="") as file:
        rows = list(csv.DictReader(file))
    write(Path(folder) / "default-risk.json", train(rows, BANK + PARTNER, "default-risk"))
    write(Path(folder) / "default-risk-bank-only.json", train(rows, BANK, "default-risk-bank-only"))


main(*sys.argv[1:])
