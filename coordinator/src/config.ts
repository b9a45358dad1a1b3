import { readFileSync } from "node:fs";
import { isAbsolute } from "node:path";
import { OperationError, SiteName } from "@davit/protocol";
import { z } from "zod";

const AbsolutePath = z.string().refine(isAbsolute, "must be an absolute path");
const Port = z.int().min(0).max(65_535);

const EmbeddedBroker = z.strictObject({
	kind: z.literal("embedded"),
	host: z.string().default("127.0.0.1").describe("address the broker listens on; 0.0.0.0 = every network"),
	port: Port.default(1883).describe("TCP port; 0 = any free one"),
});

const ExternalBroker = z.strictObject({
	kind: z.literal("external"),
	url: z
		.url({ protocol: /^(mqtts?|wss?)$/ })
		.describe("mqtt://, mqtts://, ws:// or wss:// with host and port"),
	username: z.string().optional(),
	password: z.string().optional(),
	certificateAuthorityFile: AbsolutePath.optional().describe(
		"PEM file of the authority that signed the broker",
	),
	accountsFile: AbsolutePath.optional().describe(
		"accounts.json of davit broker-config, from which a host that joins gets its password",
	),
});

/** Everything the coordinator can be told. Each key carries its unit. */
export const CoordinatorConfig = z.strictObject({
	site: SiteName.default(SiteName.parse("home")).describe("name of this fleet; a level of every topic"),
	home: AbsolutePath.describe("folder of all of Davit's state on this machine (DAVIT_HOME)"),
	broker: z.discriminatedUnion("kind", [EmbeddedBroker, ExternalBroker]).prefault({ kind: "embedded" }),
	http: z
		.strictObject({
			host: z
				.string()
				.default("127.0.0.1")
				.describe("address the page listens on; any but loopback needs a password"),
			port: Port.default(8787),
			password: z.string().min(8).optional().describe("asked for by the page where it is not on loopback"),
			names: z.array(z.string()).optional().describe("further names that browsers reach the page by"),
		})
		.prefault({}),
	socketPath: AbsolutePath.optional().describe("the operator's socket; default HOME/run/davit.sock"),
	join: z
		.strictObject({
			host: z.string().default("0.0.0.0").describe("address on which new hosts are let in, over TLS"),
			port: Port.default(8788),
		})
		.optional()
		.describe("left out = no host can join from another machine"),
	reachableAt: z
		.string()
		.optional()
		.describe("name or address by which other machines reach this one; default its first network address"),
	offlineGraceSeconds: z.number().positive().default(30).describe("silence after which a host is offline"),
	overdueMarginSeconds: z
		.number()
		.nonnegative()
		.default(3 * 3600)
		.describe(
			"a backup is overdue so long after it was due, or after a tenth of the interval if that is more",
		),
	runRetentionSeconds: z
		.number()
		.positive()
		.default(7 * 86_400)
		.describe("how long an ended run stays on the broker; the history keeps it"),
	deadlineSeconds: z
		.int()
		.positive()
		.default(12 * 3600)
		.describe("an operation that takes longer is given up and undone"),
});
export type CoordinatorConfig = Readonly<z.infer<typeof CoordinatorConfig>>;

/**
 * The configuration in `file`, frozen.
 * @throws OperationError configuration-invalid, naming key, value and fix
 */
export function readCoordinatorConfig(file: string): CoordinatorConfig {
	return parseCoordinatorConfig(readJson(file), file);
}

/** Parses what `source` (a file's name, for the message) held. */
export function parseCoordinatorConfig(raw: unknown, source: string): CoordinatorConfig {
	const parsed = CoordinatorConfig.safeParse(raw);
	if (!parsed.success) throw invalid(source, parsed.error, raw);
	const config = parsed.data;
	if (!isLoopback(config.http.host) && config.http.password === undefined) {
		throw new OperationError(
			"configuration-invalid",
			`${source}: http.host is "${config.http.host}", which other machines reach, but http.password is not set`,
			{ hint: "set http.password (8 characters or more), or http.host to 127.0.0.1" },
		);
	}
	return Object.freeze(config);
}

export function isLoopback(host: string): boolean {
	return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

function readJson(file: string): unknown {
	let text: string;
	try {
		text = readFileSync(file, "utf8");
	} catch (error) {
		throw new OperationError("configuration-invalid", `the configuration ${file} cannot be read`, {
			cause: error,
			hint: "give an existing JSON file with --config FILE",
		});
	}
	try {
		return JSON.parse(text);
	} catch (error) {
		throw new OperationError("configuration-invalid", `the configuration ${file} is not JSON`, {
			cause: error,
		});
	}
}

function invalid(source: string, error: z.ZodError, raw: unknown): OperationError {
	const issue = error.issues[0];
	const unknown = issue?.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
	const path = [...(issue?.path ?? []), ...unknown];
	const key = path.length === 0 ? "the file" : path.join(".");
	const value = JSON.stringify(valueAt(raw, path))?.slice(0, 100) ?? "missing";
	const shown = /password/i.test(key) ? "(hidden)" : value;
	const why = unknown.length > 0 ? "Davit knows no such key" : (issue?.message ?? "it cannot be used");
	return new OperationError("configuration-invalid", `${source}: ${key} is ${shown}: ${why}`, {
		cause: error,
		hint: `mend ${key} in ${source}`,
	});
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
	return path.reduce<unknown>(
		(value, key) => (typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined),
		raw,
	);
}
