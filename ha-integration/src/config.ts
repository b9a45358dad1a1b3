import { readFileSync } from "node:fs";
import { OperationError, SiteName } from "@davit/protocol";
import { z } from "zod";

/** The integration's settings, read once from a JSON file. */
export const IntegrationConfig = z.strictObject({
	site: SiteName.describe("name of the fleet, as the coordinator has it"),
	home: z
		.string()
		.min(1)
		.describe("folder for what must survive a restart: events not yet seen by Home Assistant"),
	broker: z.strictObject({
		url: z.string().describe("mqtt://, mqtts://, ws:// or wss:// address of the broker"),
		username: z.string().optional(),
		password: z.string().optional(),
		certificateAuthorityFile: z.string().optional().describe("PEM file of the authority to trust"),
	}),
	pageUrl: z.url().optional().describe("address of the page as a browser at home reaches it"),
	settleMs: z
		.int()
		.min(100)
		.max(60_000)
		.default(1000)
		.describe("quiet time after which retained messages count as read"),
});
export type IntegrationConfig = z.infer<typeof IntegrationConfig>;

/** @throws OperationError configuration-invalid, naming file, key, value and what would do */
export function readIntegrationConfig(file: string): IntegrationConfig {
	let raw: unknown;
	try {
		raw = JSON.parse(readFileSync(file, "utf8"));
	} catch (error) {
		throw new OperationError(
			"configuration-invalid",
			`the integration's settings in ${file} cannot be read`,
			{
				cause: error,
				hint: "see that the file exists and is JSON; davit start writes it",
			},
		);
	}
	const parsed = IntegrationConfig.safeParse(raw);
	if (parsed.success) return Object.freeze(parsed.data);
	throw invalid(file, parsed.error, raw);
}

function invalid(file: string, error: z.ZodError, raw: unknown): OperationError {
	const issue = error.issues[0];
	const unknown = issue?.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
	const path = [...(issue?.path ?? []), ...unknown];
	const key = path.length === 0 ? "the file" : path.join(".");
	const value = /password/i.test(key) ? "(hidden)" : (JSON.stringify(valueAt(raw, path)) ?? "missing");
	const why = unknown.length > 0 ? "Davit knows no such key" : (issue?.message ?? "it cannot be used");
	return new OperationError("configuration-invalid", `${file}: ${key} is ${value.slice(0, 100)}: ${why}`, {
		cause: error,
		hint: `mend ${key} in ${file}`,
	});
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
	return path.reduce<unknown>(
		(value, key) => (typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined),
		raw,
	);
}
