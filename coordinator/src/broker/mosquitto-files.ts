import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import type { SiteName } from "@davit/protocol";
import { type Role, rulesOf } from "./rules.ts";

export interface BrokerListener {
	readonly port: number;
	/** Address to listen on; every network when left out. */
	readonly host?: string;
	/** PEM files; left out = without TLS. */
	readonly tls?: { readonly certificateFile: string; readonly keyFile: string };
}

export interface BrokerAccount {
	readonly username: string;
	readonly password: string;
	readonly role: Role;
}

/** What Mosquitto 2.0 and 2.1 read, with the paths of its two other files. */
export function mosquittoConfiguration({
	listeners,
	passwordFile,
	accessFile,
	persistenceDirectory,
}: {
	listeners: readonly BrokerListener[];
	passwordFile: string;
	accessFile: string;
	persistenceDirectory: string;
}): string {
	return [
		"allow_anonymous false",
		`password_file ${passwordFile}`,
		`acl_file ${accessFile}`,
		"",
		"# What was acknowledged is on disk a moment later; by default it would be lost with the process for up to half an hour.",
		"persistence true",
		`persistence_location ${persistenceDirectory}`,
		"autosave_interval 1",
		"autosave_on_changes true",
		"",
		"# Small messages go out at once; waiting for more would cost up to 40 ms at each hop.",
		"set_tcp_nodelay true",
		"",
		"# Davit's messages have at most 64 KiB. A coordinator that comes back is sent all that is retained at once.",
		"message_size_limit 262144",
		"max_queued_messages 100000",
		...listeners.flatMap(listenerLines),
	].join("\n");
}

function listenerLines({ port, host, tls }: BrokerListener): string[] {
	return [
		"",
		`listener ${port}${host === undefined ? "" : ` ${host}`}`,
		"# Who connects with a client id ends the session that has it: so each account only has its own.",
		"use_username_as_clientid true",
		...(tls === undefined ? [] : [`certfile ${tls.certificateFile}`, `keyfile ${tls.keyFile}`]),
	];
}

/** One line an account: its name and its password's hash. */
export function mosquittoPasswords(accounts: readonly BrokerAccount[]): string {
	return accounts.map((account) => `${account.username}:${mosquittoHash(account)}`).join("\n");
}

/** What each account may read and write; what is not named is forbidden. */
export function mosquittoAccess(accounts: readonly BrokerAccount[], site: SiteName): string {
	return accounts
		.map(({ username, role }) => {
			const { read, write } = rulesOf(role, site);
			return [
				`user ${username}`,
				...read.map((filter) => `topic read ${filter}`),
				...write.map((filter) => `topic write ${filter}`),
				"",
			].join("\n");
		})
		.join("\n");
}

const hashBytes = 64;
const saltBytes = 12;
// As mosquitto_passwd 2.0 does; the passwords are random, so more rounds would only slow each connection.
const iterations = 101;

/**
 * Mosquitto's `$7$` format: PBKDF2 with HMAC-SHA-512. The salt is derived from the password, which is random: so writing the same
 * accounts again gives the same file.
 */
function mosquittoHash({ username, password }: BrokerAccount): string {
	const salt = createHmac("sha256", password).update(`salt\0${username}`).digest().subarray(0, saltBytes);
	const hash = pbkdf2Sync(password, salt, iterations, hashBytes, "sha512");
	return `$7$${iterations}$${salt.toString("base64")}$${hash.toString("base64")}`;
}

const sealPattern = /^# davit ([0-9a-f]{64})\n/;

/** `body` below a comment that says who wrote it, and a seal by which a change by hand is seen. */
export function sealed(body: string, comment: string): string {
	const text = `# ${comment}\n\n${body}\n`;
	return `# davit ${createHash("sha256").update(text).digest("hex")}\n${text}`;
}

/** Whether a file is one that `sealed` made, unchanged since. */
export function isSealed(text: string): boolean {
	const seal = sealPattern.exec(text)?.[1];
	if (seal === undefined) return false;
	return createHash("sha256").update(text.replace(sealPattern, "")).digest("hex") === seal;
}
