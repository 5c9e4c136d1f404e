"""Makes the fixtures of test/data/models/{trees,linear}: small models, rows, and what the library that made them predicts.

    python -m venv /tmp/models && /tmp/models/bin/pip install numpy==2.4.6 scikit-learn==1.9.1 xgboost==3.2.0 lightgbm==4.7.0
    /tmp/models/bin/python test/data/make-tree-models.py all UCI_Credit_Card.csv bank-full.csv test/data/models
    python test/data/make-tree-models.py xgboost UCI_Credit_Card.csv test/data/models    # again, with xgboost 1.7.6, 2.1.4
    python test/data/make-tree-models.py leaves LEAVES_TESTDATA test/data/models

A fixture is {document, features, rows, predictions}: rows by feature, null where missing. Rows are the data's, then some with
holes, then some on the thresholds of the model's splits and one step beside them, in float32 and in binary64. Trees never
mix the parties' features, by interaction constraints, but in the fixtures that must be refused. Sources and licences:
README.md there.
"""
import csv
import json
import sys
from pathlib import Path

import numpy as np

BANK = ["LIMIT_BAL", "AGE", "BILL_AMT1", "PAY_AMT1"]
PARTNER = ["PAY_0", "PAY_2", "PAY_3"]
COLUMNS = BANK + PARTNER
GROUPS = [list(range(len(BANK))), list(range(len(BANK), len(COLUMNS)))]
SEED = 20260101


def read_credit(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))[:4000]
    x = np.array([[float(row[column]) for column in COLUMNS] for row in rows])
    # Amounts in thousands, so that values are no float32.
    x[:, [0, 2, 3]] /= 1000
    y = np.array([int(row["default.payment.next.month"]) for row in rows])
    hole = np.random.default_rng(SEED).random(x.shape) < 0.08
    return np.where(hole, np.nan, x), y


def cells(rows):
    return [[None if np.isnan(value) else value for value in row] for row in rows.tolist()]


def write(folder, name, document, features, rows, predictions):
    fixture = {"document": document, "features": features, "rows": cells(rows), "predictions": predictions.tolist()}
    Path(folder).mkdir(parents=True, exist_ok=True)
    Path(folder, name + ".json").write_text(json.dumps(fixture, separators=(",", ":")) + "\n")


def wrap(library, name, features, model, **more):
    owners = [
        {"name": feature, "party": "partner" if column in PARTNER else "own", "column": column}
        for feature, column in zip(features, COLUMNS)
    ]
    head = {"format": "entente-trees/1", "name": name, "version": "1", "tagKey": "risk:default"}
    return {**head, "library": library, "features": owners, "model": model, **more}


def probes(x, splits, count=120):
    """`splits`: (feature, threshold). Rows of the data, and others with a feature on a threshold or beside it."""
    rows = [x[:count]]
    for i, (feature, threshold) in enumerate(splits[:60]):
        single = np.float64(np.float32(threshold))
        below = np.nextafter(np.float32(threshold), np.float32(-np.inf))
        for value in (threshold, np.nextafter(threshold, -np.inf), np.nextafter(threshold, np.inf), single, below):
            row = x[count + i].copy()
            row[feature] = value
            rows.append(row[None])
    rows.append(np.full((1, x.shape[1]), np.nan))
    rows.append(np.zeros((1, x.shape[1])))
    for tiny in (1e-35, -1e-35, 1.1e-35, 1e-36, -0.0):
        rows.append(np.full((1, x.shape[1]), tiny))
    out = np.concatenate(rows)
    return out[np.random.default_rng(SEED).permutation(len(out))[:130]]


def xgboost_fixtures(credit, folder):
    import xgboost as xgb

    x, y = read_credit(credit)
    major = xgb.__version__.split(".")[0]

    def fixture(name, parameters, rounds, names=None):
        data = xgb.DMatrix(x, y, feature_names=names)
        base = {"seed": 1, "nthread": 1, "tree_method": "hist", "max_depth": 3, "interaction_constraints": str(GROUPS), "colsample_bytree": 0.4}
        if names is not None:
            base["interaction_constraints"] = [BANK, PARTNER]
        booster = xgb.train({**base, **parameters}, data, rounds)
        booster.save_model("/tmp/model.json")
        model = json.loads(Path("/tmp/model.json").read_text())
        trees = model["learner"]["gradient_booster"]
        trees = trees.get("gbtree", trees)["model"]["trees"]
        for tree in trees:
            # What plays no part in a prediction, and would be most of the file.
            for key in ("base_weights", "loss_changes", "sum_hessian"):
                tree.pop(key, None)
        splits = [
            (tree["split_indices"][i], float(np.float32(tree["split_conditions"][i])))
            for tree in trees
            for i, left in enumerate(tree["left_children"])
            if left >= 0
        ]
        rows = probes(x, splits)
        predicted = booster.predict(xgb.DMatrix(rows, feature_names=names)).astype(np.float64)
        features = names or [f"f{i}" for i in range(len(COLUMNS))]
        write(folder, name, wrap("xgboost", name, features, model), features, rows, predicted)

    if major != "3":
        fixture(f"xgboost-{major}-logistic", {"objective": "binary:logistic", "base_score": 0.3}, 4)
        return
    fixture("xgboost-logistic", {"objective": "binary:logistic", "max_depth": 4}, 8, COLUMNS)
    fixture("xgboost-squarederror", {"objective": "reg:squarederror"}, 5)
    fixture("xgboost-forest", {"objective": "binary:logistic", "num_parallel_tree": 3, "subsample": 0.6}, 2)
    dart = {"booster": "dart", "rate_drop": 0.5, "one_drop": 1, "objective": "binary:logistic"}
    fixture("xgboost-dart", dart, 6)


def lightgbm_fixtures(credit, folder):
    import lightgbm as lgb

    x, y = read_credit(credit)
    features = [f"Column_{i}" for i in range(len(COLUMNS))]

    def train(parameters, rounds, categorical="auto", target=y):
        base = {"seed": 1, "deterministic": True, "num_threads": 1, "verbose": -1, "num_leaves": 9}
        base["interaction_constraints"] = GROUPS
        base["feature_fraction"] = 0.4
        data = lgb.Dataset(x, target, categorical_feature=categorical)
        return lgb.train({**base, **parameters}, data, rounds)

    def splits(node, out):
        if "split_feature" in node:
            out.append((node["split_feature"], node["threshold"]))
            splits(node["left_child"], out)
            splits(node["right_child"], out)
        return out

    def text(booster):
        return booster.model_to_string().split("\nfeature_importances:")[0] + "\n"

    def dump(booster):
        model = booster.dump_model()
        for key in ("feature_infos", "feature_importances", "pandas_categorical"):
            model.pop(key, None)
        return model

    def fixture(name, parameters, rounds):
        booster = train(parameters, rounds)
        found = [split for tree in booster.dump_model()["tree_info"] for split in splits(tree["tree_structure"], [])]
        rows = probes(x, found)
        write(folder, name, wrap("lightgbm", name, features, text(booster)), features, rows, booster.predict(rows))
        return booster

    binary = {"objective": "binary"}
    booster = fixture("lightgbm-binary", {**binary, "sigmoid": 0.7}, 6)
    Path(folder, "lightgbm-binary-dump.json").write_text(json.dumps(dump(booster), separators=(",", ":")) + "\n")
    fixture("lightgbm-no-missing", {**binary, "use_missing": False}, 4)
    fixture("lightgbm-zero-missing", {**binary, "zero_as_missing": True}, 4)
    fixture("lightgbm-regression", {"objective": "regression"}, 4)
    fixture("lightgbm-dart", {**binary, "boosting": "dart", "drop_rate": 0.5}, 6)
    forest = {**binary, "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}
    fixture("lightgbm-forest", forest, 5)

    refused = {
        "categorical": train({**binary, "num_leaves": 4, "feature_fraction": 1}, 1, categorical=[4, 5, 6]),
        "linear": train({"objective": "regression", "linear_tree": True, "num_leaves": 4}, 1),
        "multiclass": train({"objective": "multiclass", "num_class": 3, "num_leaves": 3}, 1, target=y + (x[:, 4] > 0)),
        "poisson": train({"objective": "poisson", "num_leaves": 3}, 1),
        "mixed": train({**binary, "interaction_constraints": "", "num_leaves": 8, "feature_fraction": 1}, 2),
    }
    models = {}
    for name, booster in refused.items():
        models[name] = {"text": text(booster), "dump": dump(booster)}
    Path(folder, "lightgbm-refused.json").write_text(json.dumps(models, separators=(",", ":")) + "\n")


def refused_xgboost(credit, folder):
    import xgboost as xgb

    x, y = read_credit(credit)
    codes = np.nan_to_num(x[:, 4:5]) + 2
    models = {}

    def model(name, parameters, rounds=1, rows=x, target=y, **more):
        base = {"seed": 1, "nthread": 1, "max_depth": 2}
        booster = xgb.train({**base, **parameters}, xgb.DMatrix(rows, target, **more), rounds)
        booster.save_model("/tmp/model.json")
        models[name] = json.loads(Path("/tmp/model.json").read_text())

    logistic = {"objective": "binary:logistic"}
    model("mixed", {**logistic, "max_depth": 3})
    onehot = {**logistic, "max_cat_to_onehot": 1}
    model("categorical", onehot, rows=codes, feature_types=["c"], enable_categorical=True)
    model("softprob", {"objective": "multi:softprob", "num_class": 3}, target=y + (x[:, 4] > 0))
    model("poisson", {"objective": "count:poisson"})
    model("gblinear", {"booster": "gblinear", "objective": "binary:logistic"}, rows=np.nan_to_num(x))
    model("two-targets", {"objective": "reg:squarederror"}, target=np.stack([y, 1 - y], axis=1))
    data = xgb.DMatrix(x, y)
    early = xgb.train({"objective": "binary:logistic", "max_depth": 2}, data, 3)
    early.set_attr(best_iteration="1")
    early.save_model("/tmp/model.json")
    models["best-iteration"] = json.loads(Path("/tmp/model.json").read_text())
    Path(folder, "xgboost-refused.json").write_text(json.dumps(models, separators=(",", ":")) + "\n")


def sklearn_fixture(credit, folder):
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    x, y = read_credit(credit)
    imputer = SimpleImputer(strategy="median").fit(x)
    scaler = StandardScaler().fit(imputer.transform(x))
    model = LogisticRegression().fit(scaler.transform(imputer.transform(x)), y)
    document = {"format": "entente-sklearn/1", "name": "credit", "version": "1", "tagKey": "risk:default"}
    document |= {"estimator": type(model).__name__, "features": COLUMNS, "partner": PARTNER}
    document |= {"coef": model.coef_.tolist(), "intercept": model.intercept_.tolist(), "classes": model.classes_.tolist()}
    document |= {"mean": scaler.mean_.tolist(), "scale": scaler.scale_.tolist(), "missing": imputer.statistics_.tolist()}
    rows = np.concatenate([x[:200], np.full((1, len(COLUMNS)), np.nan)])
    predicted = model.predict_proba(scaler.transform(imputer.transform(rows)))[:, 1]
    write(folder, "sklearn-credit", document, COLUMNS, rows, predicted)


def scorecard_fixture(marketing, folder):
    """Term deposits: WOE = ln(share of the bin among y / share among n), then a regression on the WOE values."""
    from sklearn.linear_model import LogisticRegression

    with open(marketing, newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    y = np.array([row["y"] == "yes" for row in rows])
    edges = {"age": [30, 40, 50, 60], "balance": [0, 500, 2000], "campaign": [2, 3, 5], "pdays": [0, 90, 180, 365]}
    groups = {
        "marital": [["single"], ["married"], ["divorced"]],
        "contact": [["cellular"], ["telephone"]],
        "month": [["mar", "sep", "oct", "dec"], ["jan", "feb", "apr", "jun", "aug", "nov"], ["may", "jul"]],
        "poutcome": [["success"], ["failure", "other"]],
    }
    partner = ["campaign", "pdays", "contact", "month", "poutcome"]

    def value_of(row, column):
        if column in edges:
            return float(row[column])
        return None if row[column] == "unknown" else row[column]

    def bin_of(value, column):
        if column in edges:
            count = len(edges[column]) + 1
            return count if value is None else int(np.searchsorted(edges[column], value, side="right"))
        count = len(groups[column])
        found = [i for i, group in enumerate(groups[column]) if value in group]
        return found[0] if found else count + (value is None)

    columns = [*edges, *groups]
    woe = {}
    for column in columns:
        at = np.array([bin_of(value_of(row, column), column) for row in rows])
        count = len(edges[column]) + 2 if column in edges else len(groups[column]) + 2
        good = np.array([(y & (at == i)).sum() + 0.5 for i in range(count)])
        bad = np.array([(~y & (at == i)).sum() + 0.5 for i in range(count)])
        woe[column] = np.round(np.log(good / y.sum() / (bad / (~y).sum())), 6)
    z = np.array([[woe[column][bin_of(value_of(row, column), column)] for column in columns] for row in rows])
    model = LogisticRegression().fit(z, y)
    features = []
    for j, column in enumerate(columns):
        feature = {"party": "partner" if column in partner else "own", "column": column}
        values = woe[column].tolist()
        if column in edges:
            feature |= {"kind": "intervals", "edges": edges[column], "values": values[:-1]}
        else:
            feature |= {"kind": "categories", "categories": groups[column], "values": values[:-2], "other": values[-2]}
        features.append(feature | {"missing": values[-1], "coefficient": model.coef_[0][j]})
    document = {"format": "entente-linear/1", "name": "term-deposit", "version": "1", "kind": "scorecard", "link": "logit"}
    document |= {"intercept": model.intercept_[0], "features": features, "tagKey": "marketing:deposit"}
    kept = [[value_of(row, column) for column in columns] for row in rows[::400]]
    kept += [[edges.get(column, [None])[0] for column in columns], [None] * len(columns)]
    kept += [["nobody" if column in groups else 0.0 for column in columns]]
    predicted = model.predict_proba([[woe[c][bin_of(v, c)] for v, c in zip(row, columns)] for row in kept])[:, 1]
    fixture = {"document": document, "features": columns, "rows": kept, "predictions": predicted.tolist()}
    Path(folder, "scorecard-marketing.json").write_text(json.dumps(fixture, separators=(",", ":")) + "\n")


def leaves_fixtures(source, folder):
    """Models and predictions of github.com/dmitryikh/leaves: the same doubles, in fewer bytes."""
    source = Path(source)
    read = lambda name: (source / name).read_text()
    numbers = lambda name: [[float(value) for value in line.split()] for line in read(name).splitlines()]
    cancer = {"rows": numbers("breast_cancer_test.tsv"), "predictions": [p for [p] in numbers("lg_dart_breast_cancer_true_predictions.txt")]}
    iris_rows = [[float(pair.split(":")[1]) for pair in line.split()[1:]] for line in read("iris_test.libsvm").splitlines()]
    iris = {"rows": iris_rows, "predictions": [p for [p] in numbers("lg_rf_iris_true_predictions.txt")]}
    kept = {
        "dart": {**cancer, "model": read("lg_dart_breast_cancer.model").split("\nfeature importances:")[0] + "\n"},
        "forest": {**iris, "model": read("lg_rf_iris.model").split("\nfeature importances:")[0] + "\n"},
        "fragments": {name: read(name + ".txt") for name in ("tree_1leaf", "tree_2leaves", "tree_3leaves")},
        "dumps": {name: json.loads(read(name + ".json")) for name in ("lg_1tree", "lg_1tree_1leaf", "lg_dart_breast_cancer")},
    }
    trees = kept["dumps"]["lg_dart_breast_cancer"]["tree_info"]
    del trees[3:]
    for tree in trees:
        strip(tree["tree_structure"])
    Path(folder, "lightgbm-leaves.json").write_text(json.dumps(kept, separators=(",", ":")) + "\n")


def strip(node):
    for key in ("split_gain", "internal_value", "internal_count", "leaf_count", "split_index"):
        node.pop(key, None)
    for key in ("left_child", "right_child"):
        if key in node:
            strip(node[key])


def main(what, *paths):
    folder = Path(paths[-1])
    trees, linear = folder / "trees", folder / "linear"
    for path in (trees, linear):
        path.mkdir(parents=True, exist_ok=True)
    if what == "leaves":
        leaves_fixtures(paths[0], trees)
    if what in ("all", "xgboost"):
        xgboost_fixtures(paths[0], trees)
    if what == "all":
        refused_xgboost(paths[0], trees)
        lightgbm_fixtures(paths[0], trees)
        sklearn_fixture(paths[0], linear)
        scorecard_fixture(paths[1], linear)


main(*sys.argv[1:])
