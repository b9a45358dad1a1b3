import * as protocol from "@davit/protocol";

/** The part of JSON Schema that zod writes for these documents. */
interface JsonSchema {
	readonly type?: string;
	readonly const?: unknown;
	readonly enum?: readonly unknown[];
	readonly anyOf?: readonly JsonSchema[];
	readonly items?: JsonSchema;
	readonly properties?: Readonly<Record<string, JsonSchema>>;
	readonly required?: readonly string[];
	readonly additionalProperties?: JsonSchema | boolean;
}

interface Schema {
	toJSONSchema(options: { unrepresentable: "any"; io: "output" }): unknown;
}

/** What several documents hold; described once. */
const named: Readonly<Record<string, Schema>> = {
	Run: protocol.Run,
	ResourceRow: protocol.ResourceRow,
	HostRow: protocol.HostRow,
	ArchiveRow: protocol.ArchiveRow,
	ScheduleRow: protocol.ScheduleRow,
	ArchiveSummary: protocol.ArchiveSummary,
	InventoryResource: protocol.InventoryResource,
	InventoryContainer: protocol.InventoryContainer,
	PlanFacts: protocol.PlanFacts,
	UndoPoint: protocol.UndoPoint,
	RunStep: protocol.RunStep,
	Progress: protocol.Progress,
	FailureReport: protocol.FailureReport,
	FailureCode: protocol.FailureCode,
};

const nameOfShape = new Map(Object.entries(named).map(([name, schema]) => [shapeOf(read(schema)), name]));

/** A heading with the document's name and a table of its fields. */
export function describeFields(schema: Schema): string {
	const json = read(schema);
	const name = String(json.properties?.["schema"]?.const);
	return [`### ${name}`, tableOf(json)].join("\n\n");
}

export function describeTypes(): string {
	return Object.entries(named)
		.map(([name, schema]) => {
			const json = read(schema);
			const body = json.properties === undefined ? "A code of `docs/errors.md`." : tableOf(json);
			return `### ${name}\n\n${body}`;
		})
		.join("\n\n");
}

function tableOf(json: JsonSchema): string {
	const required = new Set(json.required ?? []);
	const rows = Object.entries(json.properties ?? {}).map(
		([field, type]) => `| \`${field}\` | ${typeText(type)}${required.has(field) ? "" : ", may be absent"} |`,
	);
	return ["| field | what |", "|---|---|", ...rows].join("\n");
}

function typeText(json: JsonSchema): string {
	const name = nameOfShape.get(shapeOf(json));
	if (name !== undefined) return `[${name}](#${name.toLowerCase()})`;
	if (json.const !== undefined) return `\`${JSON.stringify(json.const)}\``;
	if (json.enum !== undefined) return json.enum.map((word) => `\`${String(word)}\``).join(" ");
	if (json.anyOf !== undefined) return json.anyOf.map(typeText).join(" or ");
	if (json.type === "array") return `list of ${typeText(json.items ?? {})}`;
	if (json.type === "object" && json.properties !== undefined) return fieldsText(json);
	if (json.type === "object") return "object by name";
	return json.type ?? "anything";
}

function fieldsText(json: JsonSchema): string {
	const fields = Object.entries(json.properties ?? {}).map(
		([field, type]) => `\`${field}\` ${typeText(type)}`,
	);
	return `{ ${fields.join("; ")} }`;
}

function shapeOf(json: JsonSchema): string {
	return JSON.stringify(json, (key, value: unknown) => (key === "$schema" ? undefined : value));
}

function read(schema: Schema): JsonSchema {
	// zod writes JSON Schema 2020-12, of which the interface above names what is used here.
	return schema.toJSONSchema({ unrepresentable: "any", io: "output" }) as JsonSchema;
}
