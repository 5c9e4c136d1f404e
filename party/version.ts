/** The version of what runs. */
import packageFile from "../package.json" with { type: "json" };

export const PRODUCT_VERSION = packageFile.version;

/** The oldest major version of Node that it runs on. */
export const MIN_NODE_MAJOR = Number(/\d+/.exec(packageFile.engines.node)?.[0]);
