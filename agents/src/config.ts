import { readFileSync } from "node:fs";
import { isAbsolute, join, normalize } from "node:path";
import {
	AskedConsistency,
	Bytes,
	FolderPath,
	HookName,
	HostName,
	OperationError,
	Quiescence,
	type ResourceId,
	RetentionPolicy,
	ResourceId as resourceId,
	SiteName,
	Suspicion,
} from "@davit/protocol";
import { z } from "zod";
import { RepositorySettings } from "./restic/settings.ts";

const AbsolutePath = z
	.string()
	.max(4096)
	.refine((path) => isAbsolute(path) && normalize(path) === path, "write an absolute path without . or ..");

const BrokerUrl = z
	.string()
	.regex(/^(?:mqtts?|wss?):\/\/[^\s/]+/, "write mqtt://HOST:PORT, mqtts://, ws:// or wss://");

const Broker = z.strictObject({
	url: BrokerUrl,
	username: z.string().min(1).max(200).optional(),
	password: z.string().max(1000).optional(),
	/** PEM file of an authority to trust beside the system's own. */
	certificateAuthorityFile: AbsolutePath.optional(),
});

const ResourcePolicy = z.strictObject({
	/** What is done with the containers that write to the resource while it is copied. */
	consistency: AskedConsistency.optional(),
	/** What they get for the moment of a snapshot, and for the whole copy where none can be made. */
	writers: Quiescence.optional(),
	/** What stays of its archives, whatever schedules say. */
	keep: RetentionPolicy.optional(),
});
type ResourcePolicy = z.infer<typeof ResourcePolicy>;

const Hook = z.strictObject({
	/** What requests and reports call it. */
	name: HookName,
	/** The container it runs in, by name. */
	container: z.string().min(1).max(255),
	/** The program and its words, each for itself: nothing splits or expands them. */
	argv: z.array(z.string().max(4096)).min(1).max(100),
	/** Seconds until it counts as failed. */
	timeoutSeconds: z.int().min(1).max(3600).default(60),
});
/** `fail`: the backup fails with it; `warn`: it goes on and says so. */
const HookBefore = Hook.extend({ onFailure: z.enum(["fail", "warn"]).default("fail") });

const Hooks = z.strictObject({
	/** Run before writers are held still. */
	before: z.array(HookBefore).max(20).default([]),
	/** Run after writers are back, in every path; one that fails is told, and the archive stays. */
	after: z.array(Hook).max(20).default([]),
});

const AgentFile = z.strictObject({
	site: SiteName,
	/** This host's name; also its user and client id at the broker. */
	host: HostName,
	/** `DAVIT_HOME`: the journal and the key lie in its `agent/`. */
	home: AbsolutePath,
	/** Where archives are kept; `<home>/archives` where it is not given. */
	archivesPath: AbsolutePath.optional(),
	broker: Broker,
	/** The key that commands are signed with, Ed25519, SPKI in base64. */
	coordinatorKey: z.base64().min(40).max(200),
	/** The only folders that may be backed up and replaced. */
	folders: z.array(FolderPath).max(200).default([]),
	/** The engine's socket; null where the host is to work without Docker. */
	dockerSocket: AbsolutePath.nullable().default("/var/run/docker.sock"),
	/** Whether volumes that the agent's user may not read are reached through a short-lived container; else over the engine's archive API. */
	helper: z.boolean().default(true),
	/** Docker Compose 2's program; its plugin folders are looked through where it is not given. */
	compose: AbsolutePath.optional(),
	/** Seconds that the data a restore replaced is kept to go back to. */
	undoSeconds: z.int().nonnegative().default(604_800),
	/** Policies by resource, as `volume:NAME` or `path:/srv/x`. */
	resources: z.record(resourceId, ResourcePolicy).default({}),
	/** What makes a backup suspicious, so that nothing is removed until a person has looked. */
	suspicion: Suspicion.default({ shrinkBelow: 0.5, incompressibleAbove: 0.9 }),
	/** Restic repositories that archives may be written into. */
	repositories: z
		.array(RepositorySettings)
		.max(20)
		.refine(hasOwnNames, "two repositories have one name")
		.default([]),
	/** The restic program, 0.17 or later; the first `restic` of PATH where it is not given. */
	resticProgram: AbsolutePath.optional(),
	/** The only programs that Davit runs in containers, by resource. */
	hooks: z.record(resourceId, Hooks).default({}),
	/** Bytes that a backup or restore leaves free on the disk it writes to. */
	minimumFreeBytes: Bytes.default(Bytes.parse(268_435_456)),
	/** Bytes that must be free on the journal's disk before an operation begins its next step. */
	journalReserveBytes: Bytes.default(Bytes.parse(16_777_216)),
	/** The least severe lines that are logged. */
	logLevel: z.enum(["debug", "info", "warn", "error"]).default("info"),
});

/** An agent's settings, read once and frozen. */
export const AgentConfig = AgentFile.transform((settings) => ({
	...settings,
	archivesPath: settings.archivesPath ?? join(settings.home, "archives"),
})).readonly();
export type AgentConfig = z.infer<typeof AgentConfig>;

/** What the configuration says of a resource's writers. */
export function configuredPolicy(config: AgentConfig, resource: ResourceId): ResourcePolicy {
	return config.resources[resource] ?? {};
}

/**
 * The settings in a JSON file.
 * @throws OperationError configuration-invalid, naming the key, its value and the fix
 */
export function readAgentConfig(file: string): AgentConfig {
	const parsed = AgentConfig.safeParse(readJson(file));
	if (parsed.success) return freezeDeeply(parsed.data);
	const issue = parsed.error.issues[0];
	throw new OperationError("configuration-invalid", describeIssue(file, issue, readJson(file)), {
		cause: parsed.error,
		hint: issue === undefined ? `mend ${file}` : fixOf(issue, file),
	});
}

function hasOwnNames(repositories: readonly RepositorySettings[]): boolean {
	return new Set(repositories.map(({ name }) => name)).size === repositories.length;
}

function readJson(file: string): unknown {
	try {
		return JSON.parse(readFileSync(file, "utf8"));
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		throw new OperationError("configuration-invalid", `the agent's configuration ${file}: ${reason}`, {
			cause: error,
			hint: "write it anew with davit host join, or name another with --config FILE",
		});
	}
}

function describeIssue(file: string, issue: z.core.$ZodIssue | undefined, settings: unknown): string {
	if (issue === undefined) return `the agent's configuration ${file} cannot be used`;
	const key = keyOf(issue);
	if (issue.code === "unrecognized_keys") return `${file}: key ${key} is not one Davit knows`;
	return `${file}: key ${key} is ${shownValue(settings, issue.path)}: ${issue.message}`;
}

function fixOf(issue: z.core.$ZodIssue, file: string): string {
	if (issue.code === "unrecognized_keys") return `remove ${keyOf(issue)} from ${file}, or mend its spelling`;
	return `mend ${keyOf(issue)} in ${file}, then start the agent again`;
}

function keyOf(issue: z.core.$ZodIssue): string {
	const path = issue.path.map(String);
	const keys = issue.code === "unrecognized_keys" ? [...path, issue.keys[0] ?? ""] : path;
	return keys.length === 0 ? "(the whole file)" : keys.join(".");
}

function shownValue(settings: unknown, path: readonly PropertyKey[]): string {
	if (path.at(-1) === "password") return "not shown";
	let value = settings;
	for (const key of path) {
		// Only objects and arrays are indexed here, by keys that zod found in them.
		value =
			typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined;
	}
	return value === undefined ? "missing" : JSON.stringify(value).slice(0, 200);
}

function freezeDeeply<Value>(value: Value): Value {
	if (typeof value !== "object" || value === null) return value;
	for (const part of Object.values(value)) freezeDeeply(part);
	return Object.freeze(value);
}
