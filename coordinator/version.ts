/** The version of what runs. */
import packageFile from "../package.json" with { type: "json" };

export const PRODUCT_VERSION = packageFile.version;
