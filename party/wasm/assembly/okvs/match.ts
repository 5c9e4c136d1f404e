/**
 * Equal tags of two lists: both are cut into parts by their leading word, so that the table of a part stays in the L1
 * cache. An entry is a tag padded to 16 bytes and the number of its row.
 */

const ENTRY_BYTES: usize = 20;
/** Longer runs of taken places do not occur among pseudorandom tags in a table that is at most half full. */
const MAX_PROBES: u32 = 256;

/** Adds to `counts` the tags of each part; `rows`: `count` rows, `stride` bytes apart, that begin with a tag. */
export function countTags(rows: usize, stride: u32, count: u32, partMask: u32, counts: usize): void {
  for (const end = rows + stride * count; rows < end; rows += stride) {
    const at = counts + 4 * (load<u32>(rows) & partMask);
    store<u32>(at, load<u32>(at) + 1);
  }
}

/**
 * Entry of each row of the parts fromPart .. toPart-1; `cursors`: the next entry of each part; `tagMask`: 16 bytes, ones
 * over the tag.
 */
export function scatterTags(
  rows: usize,
  stride: u32,
  count: u32,
  first: u32,
  partMask: u32,
  fromPart: u32,
  toPart: u32,
  tagMask: usize,
  cursors: usize,
  entries: usize,
): void {
  const mask = v128.load(tagMask);
  for (let row: u32 = 0; row < count; row++, rows += stride) {
    const part = load<u32>(rows) & partMask;
    if (part < fromPart || part >= toPart) continue;
    const cursor = cursors + 4 * part;
    const at = load<u32>(cursor);
    store<u32>(cursor, at + 1);
    const entry = entries + ENTRY_BYTES * at;
    v128.store(entry, v128.and(v128.load(rows), mask));
    store<u32>(entry + 16, first + row);
  }
}

@inline
function same(a: usize, b: usize): bool {
  return !v128.any_true(v128.xor(v128.load(a), v128.load(b)));
}

/**
 * One part: `table` has tableMask + 1 places of 4 bytes, at least twice as many as there are `held` entries.
 * matches[row] = position + 1 for each sought row whose tag is held. Returns 1 when a held tag occurs twice or the tags
 * crowd as pseudorandom ones do not, else 0.
 */
export function matchPart(
  held: usize,
  heldCount: u32,
  sought: usize,
  soughtCount: u32,
  table: usize,
  tableMask: u32,
  matches: usize,
): u32 {
  memory.fill(table, 0, 4 * (tableMask + 1));
  for (let i: u32 = 0; i < heldCount; i++) {
    const entry = held + ENTRY_BYTES * i;
    let place = load<u32>(entry + 4);
    for (let probes: u32 = 0; ; probes++, place++) {
      const at = table + 4 * (place & tableMask);
      const taken = load<u32>(at);
      if (taken == 0) {
        store<u32>(at, i + 1);
        break;
      }
      if (probes == MAX_PROBES || same(held + ENTRY_BYTES * (taken - 1), entry)) return 1;
    }
  }
  for (let i: u32 = 0; i < soughtCount; i++) {
    const entry = sought + ENTRY_BYTES * i;
    for (let place = load<u32>(entry + 4); ; place++) {
      const taken = load<u32>(table + 4 * (place & tableMask));
      if (taken == 0) break;
      const other = held + ENTRY_BYTES * (taken - 1);
      if (same(other, entry)) {
        store<u32>(matches + 4 * load<u32>(entry + 16), load<u32>(other + 16) + 1);
        break;
      }
    }
  }
  return 0;
}
