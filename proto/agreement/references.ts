/** What one field of an agreement says of another: the fill-in of roles, and every check that a schema cannot state. */
import { EntenteError } from "../errors.ts";
import { type IdColumn, MAX_ID_COLUMNS, OUTPUTS_OF, type Output } from "./fields.ts";
import {
  type AgreedDataset,
  type AgreementDocument,
  CLEAR_ROLES,
  MAX_CLEAR_GRADE,
  PARTY_ROLES,
  type ParsedDraft,
} from "./schema.ts";

export function invalid(detail: string): EntenteError {
  return new EntenteError("AGREEMENT_INVALID", { detail });
}

export function agreedDataset(document: AgreementDocument, party: string, name: string): AgreedDataset | undefined {
  return document.datasets.find((dataset) => dataset.party === party && dataset.name === name);
}

/** The columns of a dataset's id, in order. */
export function agreedIds({ columns }: AgreedDataset): IdColumn[] {
  return columns.flatMap(({ name: column, normaliser }) => (normaliser === undefined ? [] : [{ column, normaliser }]));
}

/**
 * Roles where a draft names none: the other side of an operation is data-provider, its receiver result-receiver and
 * result-user; the receiver of the first operation is the payer, unless a party is named as such.
 */
export function fillRoles(draft: ParsedDraft): AgreementDocument {
  const hasPayer = draft.parties.some((party) => party.roles?.includes("payer"));
  const parties = draft.parties.map((party) => {
    const receives = draft.operations.some((operation) => operation.receiver === party.name);
    const provides = draft.operations.some((operation) => operation.receiver !== party.name);
    const has = {
      "data-provider": provides,
      "result-receiver": receives,
      "result-user": receives,
      payer: !hasPayer && draft.operations[0]?.receiver === party.name,
    };
    return { ...party, roles: party.roles ?? PARTY_ROLES.filter((role) => has[role]) };
  });
  return { ...draft, parties };
}

/** As in Ads Data Hub, for rows of an aggregate. */
export const DEFAULT_GROUP_FLOOR = 50;

/** The group floor of an agreement that allows reports: it stands in every one of them, and in others where it was written. */
export function fillGroupFloor(document: AgreementDocument): AgreementDocument {
  if (!allowsReports(document)) return document;
  return { ...document, floors: { ...document.floors, group: document.floors.group ?? DEFAULT_GROUP_FLOOR } };
}

function allowsReports({ operations }: Pick<AgreementDocument, "operations">): boolean {
  return operations.some(({ outputs }) => outputs.includes("overlap-report"));
}

/** Throws AGREEMENT_INVALID naming the first field at fault. */
export function checkReferences(document: AgreementDocument): void {
  if (document.validFrom >= document.validUntil) throw invalid("validUntil is not after validFrom");
  if (document.version > 1 !== (document.supersedes !== null))
    throw invalid("supersedes: a version above 1 names the one before it, the first names none");
  const { group, result } = document.floors;
  if (group !== undefined && result <= group && allowsReports(document))
    throw invalid("floors.result is not above floors.group: that a report is withheld would tell of its groups");
  requireUnique(
    document.purposes.map((purpose) => purpose.id),
    "purposes",
  );
  checkParties(document);
  checkDatasets(document);
  checkOperations(document);
}

function requireUnique(names: readonly string[], where: string): void {
  if (new Set(names).size !== names.length) throw invalid(`${where}: one name twice`);
}

function checkParties({ parties }: AgreementDocument): void {
  requireUnique(
    parties.map((party) => party.name),
    "parties",
  );
  if (parties[0]?.identity === parties[1]?.identity) throw invalid("parties: one identity twice");
  for (const [i, { roles }] of parties.entries()) requireUnique(roles, `parties.${i}.roles`);
  if (parties.filter((party) => party.roles.includes("payer")).length !== 1)
    throw invalid("parties: exactly one has role payer");
}

function checkDatasets({ parties, datasets }: AgreementDocument): void {
  requireUnique(
    datasets.map((dataset) => `${dataset.party}/${dataset.name}`),
    "datasets",
  );
  for (const [i, { party, columns }] of datasets.entries()) {
    if (!parties.some(({ name }) => name === party)) throw invalid(`datasets.${i}.party is not a party`);
    const ids = columns.filter((column) => column.role === "id").length;
    if (ids < 1 || ids > MAX_ID_COLUMNS)
      throw invalid(`datasets.${i}.columns: 1 to ${MAX_ID_COLUMNS} columns have role id`);
    const k = columns.findIndex(({ role, normaliser }) => (role === "id") !== (normaliser !== undefined));
    if (k >= 0) throw invalid(`datasets.${i}.columns.${k}.normaliser: of a column of role id, and only there`);
    requireUnique(
      columns.map((column) => column.name),
      `datasets.${i}.columns`,
    );
    const j = columns.findIndex(({ role, grade }) => CLEAR_ROLES.includes(role) && grade > MAX_CLEAR_GRADE);
    if (j >= 0) throw invalid(`datasets.${i}.columns.${j}: grades 4 and 5 never leave in clear`);
    for (const [k, { role, type, maxBytes }] of columns.entries()) {
      const isText = role === "label" && (type ?? "text") === "text";
      if (role !== "label" && type !== undefined) throw invalid(`datasets.${i}.columns.${k}.type: only of a label`);
      if (!isText && maxBytes !== undefined)
        throw invalid(`datasets.${i}.columns.${k}.maxBytes: only of a label that is text`);
    }
  }
}

function checkOperations(document: AgreementDocument): void {
  const seen = new Set<string>();
  for (const [i, item] of document.operations.entries()) {
    const at = `operations.${i}`;
    const receiver = document.parties.find((party) => party.name === item.receiver);
    const provider = document.parties.find((party) => party.name !== item.receiver);
    if (receiver === undefined || provider === undefined) throw invalid(`${at}.receiver is not a party`);
    if (!receiver.roles.includes("result-receiver") || !receiver.roles.includes("result-user"))
      throw invalid(`${at}: its receiver is not result-receiver and result-user`);
    if (!provider.roles.includes("data-provider")) throw invalid(`${at}: the other party is not data-provider`);
    const own = agreedDataset(document, receiver.name, item.receiverDataset);
    const other = agreedDataset(document, provider.name, item.providerDataset);
    if (own === undefined) throw invalid(`${at}.receiverDataset is not among the receiver's datasets`);
    if (other === undefined) throw invalid(`${at}.providerDataset is not among the provider's datasets`);
    const [ownIds, otherIds] = [own, other].map((dataset) => agreedIds(dataset).map(({ normaliser }) => normaliser));
    if (String(ownIds) !== String(otherIds)) throw invalid(`${at}: the two datasets' ids have different normalisers`);
    requireUnique(item.outputs, `${at}.outputs`);
    requireUnique(item.segments ?? [], `${at}.segments`);
    const possible: readonly Output[] = OUTPUTS_OF[item.operation];
    if (!item.outputs.every((output) => possible.includes(output)))
      throw invalid(`${at}.outputs: not of this operation`);
    if (item.outputs.includes("rounded-score") !== (item.rounding !== undefined))
      throw invalid(`${at}.rounding: a step, where outputs has rounded-score and only there`);
    if (item.tiers !== undefined && !item.outputs.includes("tier"))
      throw invalid(`${at}.tiers: only where outputs has tier`);
    if (item.alignment === "shared" && item.operation !== "score") throw invalid(`${at}.alignment: only of a score`);
    // Two entries for one thing could be loose where the other is strict.
    const what = [item.operation, item.receiver, item.receiverDataset, item.providerDataset, item.protocol].join("/");
    if (seen.has(what)) throw invalid(`${at}: one operation twice`);
    seen.add(what);
  }
}
