import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { CommandError, exitCodes } from "../command-error.ts";
import type { Context } from "../context.ts";
import { isRecord } from "../door/answers.ts";
import { callFor, callRaw } from "../door/call.ts";
import type { BrokerChoice } from "./broker-choice.ts";
import { readSettings, type Settings, writePrivately, writeSettings } from "./json-file.ts";
import { configFile } from "./programs.ts";

/** This machine's name as a host of the site. */
export function hostNameOfMachine(name = hostname()): string {
	const slug = name
		.toLowerCase()
		.replaceAll(/[^a-z0-9]+/g, "-")
		.slice(0, 48)
		.replaceAll(/^-+|-+$/g, "");
	// Davit's own accounts at the broker have these names.
	const isReserved = ["", "coordinator", "home-assistant", "integration"].includes(slug);
	return isReserved ? `${slug}-host`.replace(/^-/, "") : slug;
}

/**
 * Has the coordinator let this machine's own agent in and writes its settings, once, and again where the coordinator lost its
 * history; otherwise only new folders are added, and the broker where it changed.
 */
export async function prepareAgent(
	{ folders, broker }: { folders: readonly string[]; broker: BrokerChoice },
	context: Context,
): Promise<{ readonly host: string; readonly isAdmitted: boolean }> {
	const file = configFile(context.home, "agent");
	const before = await readSettings(file);
	const known = Array.isArray(before?.["folders"]) ? before["folders"].map(String) : [];
	const isAdmitted = before === undefined || broker.isNew || !(await isKnown(before["host"], context));
	const admitted = isAdmitted ? await admit(before, { broker, context }) : {};
	const settings: Settings = {
		dockerSocket: dockerSocketOf(context.environment["DOCKER_HOST"]),
		...before,
		...admitted,
		home: context.home,
		folders: [...new Set([...known, ...folders])],
	};
	if (JSON.stringify(before) !== JSON.stringify(settings)) await writeSettings(file, settings);
	return { host: String(settings["host"]), isAdmitted };
}

/** Whether the coordinator has heard of the host; one whose history is gone has not. */
async function isKnown(host: unknown, context: Context): Promise<boolean> {
	// What is no name at all the agent itself refuses, by file and key.
	if (typeof host !== "string" || !/^[a-z0-9-]{1,48}$/.test(host)) return true;
	try {
		await callRaw({ method: "GET", path: `/hosts/${encodeURIComponent(host)}` }, context);
		return true;
	} catch (error) {
		if (error instanceof CommandError && error.code === "host-not-found") return false;
		throw error;
	}
}

async function admit(
	before: Settings | undefined,
	{ broker, context }: { broker: BrokerChoice; context: Context },
): Promise<Settings> {
	const host = typeof before?.["host"] === "string" ? before["host"] : hostNameOfMachine();
	const body = { host, publicKey: await agentPublicKey(context.home) };
	const answer = await callRaw({ method: "POST", path: "/hosts", body }, context);
	if (!isRecord(answer) || !isRecord(answer["broker"])) {
		throw new CommandError(`the coordinator did not say how ${host} connects`, {
			code: "unsupported",
			exitCode: exitCodes.blocked,
			next: "upgrade the older of the two, then davit start again",
		});
	}
	const { site, host: named, coordinatorKey } = answer;
	return { site, host: named, coordinatorKey, broker: broker.clientFor(host) ?? answer["broker"] };
}

/** The public part of the agent's own key, SPKI in base64; the key is made where there is none. */
async function agentPublicKey(home: string): Promise<string> {
	const folder = join(home, "agent");
	const file = join(folder, "key.pem");
	await mkdir(folder, { recursive: true, mode: 0o700 });
	let pem: string;
	try {
		pem = await readFile(file, "utf8");
	} catch (error) {
		if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
		pem = generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" }).toString();
		await writePrivately(file, pem);
	}
	const publicKey = createPublicKey(createPrivateKey(pem));
	return publicKey.export({ format: "der", type: "spki" }).toString("base64");
}

/** Writes the settings of Home Assistant's view, with an account of its own at the agent's broker. */
export async function prepareIntegration(
	{ broker, isAdmitted }: { readonly broker: BrokerChoice; readonly isAdmitted: boolean },
	context: Context,
): Promise<void> {
	const file = configFile(context.home, "integration");
	const before = await readSettings(file);
	if (before !== undefined && !isAdmitted) return;
	const agent = await readSettings(configFile(context.home, "agent"));
	await writeSettings(file, {
		...before,
		site: agent?.["site"],
		home: join(context.home, "integration"),
		broker: broker.clientFor("integration") ?? (await ownAccount(agent?.["broker"], context)),
	});
}

/** An account at the embedded broker, which is reached as the agent reaches it. */
async function ownAccount(agentBroker: unknown, context: Context): Promise<Settings> {
	const call = { method: "POST", path: "/accounts/integration", body: {} } as const;
	const { username, password } = await callFor("davit/account/1", call, context);
	return { ...(isRecord(agentBroker) ? agentBroker : {}), username, password };
}

function dockerSocketOf(dockerHost: string | undefined): string {
	const prefix = "unix://";
	return dockerHost?.startsWith(prefix) ? dockerHost.slice(prefix.length) : "/var/run/docker.sock";
}

/** Adds folders to the settings of an agent that is set up, and the engine's socket where they name none. */
export async function addFolders(folders: readonly string[], { home, environment }: Context): Promise<void> {
	const file = configFile(home, "agent");
	const before = await readSettings(file);
	if (before === undefined) return;
	const known = Array.isArray(before["folders"]) ? before["folders"].map(String) : [];
	const settings = {
		dockerSocket: dockerSocketOf(environment["DOCKER_HOST"]),
		...before,
		folders: [...new Set([...known, ...folders])],
	};
	if (JSON.stringify(before) !== JSON.stringify(settings)) await writeSettings(file, settings);
}

/** Takes a folder out of the agent's settings. */
export async function forgetFolder(folder: string, { home }: Context): Promise<void> {
	const file = configFile(home, "agent");
	const before = await readSettings(file);
	const known = Array.isArray(before?.["folders"]) ? before["folders"].map(String) : [];
	if (!known.includes(folder)) return;
	await writeSettings(file, { ...before, folders: known.filter((path) => path !== folder) });
}
