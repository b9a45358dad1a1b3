import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { CommandError, exitCodes, usageError } from "../command-error.ts";
import { type Context, type Invocation, textOption } from "../context.ts";
import { isRecord } from "../door/answers.ts";
import { readSettings, type Settings } from "./json-file.ts";

/** The broker that all programs of this machine use. */
export interface BrokerChoice {
	/** As the coordinator's settings have it. */
	readonly settings: Settings;
	/** It is another one than at the last start, or its accounts were given anew. */
	readonly isNew: boolean;
	/** How another program connects to a broker that is not ours; undefined where the coordinator makes the accounts. */
	clientFor(account: string): Settings | undefined;
}

const usualPort = 1883;

export async function chooseBroker(
	before: unknown,
	invocation: Invocation,
	context: Context,
): Promise<BrokerChoice> {
	const kept = isRecord(before) ? before : undefined;
	const given = await readGiven(kept, { invocation, context });
	if (given !== undefined) return given;
	const listen = textOption(invocation, "listen");
	const settings = kept ?? (await firstEmbedded(listen ?? "127.0.0.1"));
	const moved =
		settings["kind"] === "embedded" && listen !== undefined ? { ...settings, host: listen } : settings;
	return choice(moved, { isNew: JSON.stringify(moved) !== JSON.stringify(kept), accounts: undefined });
}

interface Given {
	readonly invocation: Invocation;
	readonly context: Context;
}

/** The broker that was named now; undefined where none was, or the one of the last start. */
async function readGiven(
	kept: Settings | undefined,
	{ invocation, context }: Given,
): Promise<BrokerChoice | undefined> {
	const url = textOption(invocation, "broker") ?? context.settings.broker;
	const user = textOption(invocation, "brokerUser");
	const passwordFile = textOption(invocation, "brokerPasswordFile");
	const accountsFile = textOption(invocation, "brokerAccounts");
	const hasAccount = user !== undefined || passwordFile !== undefined || accountsFile !== undefined;
	if (url === undefined) {
		if (!hasAccount) return undefined;
		throw usageError(
			"--broker-user, --broker-password-file and --broker-accounts belong to --broker",
			"--broker mqtt://HOST:1883",
		);
	}
	if (!/^(?:mqtts?|wss?):\/\/[^\s/@]+$/.test(url)) {
		throw usageError(`${withoutSecret(url)} is not a broker's address`, "--broker mqtt://HOST:1883", [
			"mqtt, mqtts, ws or wss, a host and a port; user and password have options of their own",
		]);
	}
	if (url === kept?.["url"] && !hasAccount) return undefined;
	const accounts = accountsFile === undefined ? undefined : await readAccounts(accountsFile);
	const own =
		accounts === undefined
			? { user, password: await readPassword(passwordFile) }
			: accountOf(accounts, "coordinator");
	return choice(
		{
			kind: "external",
			url,
			...(own.user === undefined ? {} : { username: own.user }),
			...(own.password === undefined ? {} : { password: own.password }),
			...(accountsFile === undefined ? {} : { accountsFile: resolve(accountsFile) }),
		},
		{ isNew: true, accounts },
	);
}

function choice(
	settings: Settings,
	{ isNew, accounts }: { isNew: boolean; accounts: Settings | undefined },
): BrokerChoice {
	return {
		settings,
		isNew,
		clientFor(account) {
			if (settings["kind"] !== "external") return undefined;
			const { kind: _kind, accountsFile: _accountsFile, ...client } = settings;
			if (accounts === undefined) return client;
			const { user, password } = accountOf(accounts, account);
			return { ...client, username: user, password };
		},
	};
}

/** Another broker often has the usual port; the choice is made once, so that clients find it again. */
async function firstEmbedded(host: string): Promise<Settings> {
	const port = (await freePort(host, usualPort)) ?? (await freePort(host, 0)) ?? usualPort;
	return { kind: "embedded", host, port };
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

/** The accounts that `davit broker-config` wrote, by name. */
async function readAccounts(file: string): Promise<Settings> {
	const written = await readSettings(file);
	if (isRecord(written?.["accounts"])) return written["accounts"];
	throw new CommandError(`${file} holds no accounts`, {
		code: "configuration-invalid",
		exitCode: exitCodes.usage,
		next: "name the accounts.json that davit broker-config wrote",
	});
}

function accountOf(accounts: Settings, name: string): { readonly user: string; readonly password: string } {
	const password = accounts[name];
	if (typeof password === "string") return { user: name, password };
	throw new CommandError(`the broker has no account for ${name}`, {
		code: "configuration-invalid",
		exitCode: exitCodes.usage,
		next: "davit broker-config DIR again, then reload the broker",
	});
}

async function readPassword(file: string | undefined): Promise<string | undefined> {
	if (file === undefined) return undefined;
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

/** What was typed may hold a password, which an error must not repeat. */
function withoutSecret(url: string): string {
	return url.replace(/\/\/[^@]*@/, "//…@");
}
