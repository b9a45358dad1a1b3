import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { CommandError, exitCodes, usageError } from "../command-error.ts";
import { type Context, type Invocation, textOption } from "../context.ts";
import { isRecord } from "../door/answers.ts";
import { readSettings, type Settings, writeSettings } from "./json-file.ts";
import { configFile } from "./programs.ts";

const defaultBrokerPort = 1883;
const defaultPagePort = 8787;

/**
 * Writes the coordinator's settings at the first start; later only what is given anew is changed. Answers whether the broker
 * is another one than before, so that those who connect to it must be told.
 */
export async function prepareCoordinator(
	invocation: Invocation,
	context: Context,
): Promise<{ readonly isNewBroker: boolean }> {
	const file = configFile(context.home, "coordinator");
	const before = await readSettings(file);
	const broker =
		(await readBroker(invocation, context)) ?? (await keptBroker(before?.["broker"], invocation));
	const settings: Settings = {
		...before,
		site: before?.["site"] ?? "home",
		home: context.home,
		broker,
		http: { host: "127.0.0.1", ...recordOf(before?.["http"]), port: readPort(context, before) },
		...joinSettings(invocation),
	};
	if (JSON.stringify(before) !== JSON.stringify(settings)) await writeSettings(file, settings);
	return { isNewBroker: JSON.stringify(before?.["broker"]) !== JSON.stringify(broker) };
}

function readPort(context: Context, before: Settings | undefined): unknown {
	const { port } = context.settings;
	if (port === undefined) return recordOf(before?.["http"])["port"] ?? defaultPagePort;
	if (/^\d{1,5}$/.test(port) && Number(port) <= 65_535) return Number(port);
	throw usageError(`DAVIT_PORT is ${port}, which is not a port`, "DAVIT_PORT=8787 davit start");
}

/** The broker that was named now. */
async function readBroker(invocation: Invocation, context: Context): Promise<Settings | undefined> {
	const url = textOption(invocation, "broker") ?? context.settings.broker;
	const username = textOption(invocation, "brokerUser");
	const passwordFile = textOption(invocation, "brokerPasswordFile");
	if (url === undefined) {
		if (username === undefined && passwordFile === undefined) return undefined;
		throw usageError(
			"--broker-user and --broker-password-file belong to --broker",
			"--broker mqtt://HOST:1883",
		);
	}
	if (!/^(?:mqtts?|wss?):\/\/[^\s/@]+$/.test(url)) {
		throw usageError(`${withoutSecret(url)} is not a broker's address`, "--broker mqtt://HOST:1883", [
			"mqtt, mqtts, ws or wss, a host and a port; the user and the password file have options of their own",
		]);
	}
	const password = passwordFile === undefined ? undefined : await readPassword(passwordFile);
	return {
		kind: "external",
		url,
		...(username === undefined ? {} : { username }),
		...(password === undefined ? {} : { password }),
	};
}

/** What was typed may hold a password, which an error must not repeat. */
function withoutSecret(url: string): string {
	return url.replace(/\/\/[^@]*@/, "//…@");
}

async function readPassword(file: string): Promise<string> {
	try {
		return (await readFile(file, "utf8")).replace(/\r?\n$/, "");
	} catch (error) {
		throw new CommandError(`the broker's password cannot be read from ${file}`, {
			code: "configuration-invalid",
			exitCode: exitCodes.usage,
			next: "name a file that this user may read with --broker-password-file",
			cause: error,
		});
	}
}

/** The broker of the last start, or the embedded one. */
async function keptBroker(before: unknown, invocation: Invocation): Promise<Settings> {
	const listen = textOption(invocation, "listen");
	if (isRecord(before))
		return before["kind"] === "embedded" && listen !== undefined ? { ...before, host: listen } : before;
	const host = listen ?? "127.0.0.1";
	// Another broker often has the usual port; its choice is made once, so that clients find it again.
	const port = (await freePort(host, defaultBrokerPort)) ?? (await freePort(host, 0)) ?? defaultBrokerPort;
	return { kind: "embedded", host, port };
}

/** New hosts are let in only where others can reach this one. */
function joinSettings(invocation: Invocation): Settings {
	const listen = textOption(invocation, "listen");
	return listen === undefined ? {} : { join: { host: listen } };
}

async function freePort(host: string, port: number): Promise<number | undefined> {
	const { promise, resolve } = Promise.withResolvers<number | undefined>();
	const server = createServer();
	server.once("error", () => resolve(undefined));
	server.listen({ host, port, exclusive: true }, () => {
		const address = server.address();
		server.close(() => resolve(typeof address === "object" && address !== null ? address.port : port));
	});
	return await promise;
}

function recordOf(value: unknown): Settings {
	return isRecord(value) ? value : {};
}
