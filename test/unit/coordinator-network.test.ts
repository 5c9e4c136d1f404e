/** By which address a stranger counts. */
import { expect, test } from "vitest";
import { networkOf } from "../../coordinator/door.ts";

test.each([
  ["192.0.2.7", "192.0.2.7"],
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  // RFC 4291 section 2.2: what is left out are zeros, wherever they stand.
  ["2001:db8::5:6:7:8", "2001:db8:0:0"],
  ["2001:db8::9", "2001:db8:0:0"],
  ["2001:db8:1:2::", "2001:db8:1:2"],
  ["::1", "0:0:0:0"],
  ["::", "0:0:0:0"],
  [undefined, ""],
])("%s counts as %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});
