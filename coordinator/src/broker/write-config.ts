import { mkdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type HostName, OperationError, SiteName } from "@davit/protocol";
import { z } from "zod";
import { writeDurably } from "../files/write-durably.ts";
import { isUsernameTaken, newPassword } from "./accounts.ts";
import {
	type BrokerAccount,
	type BrokerListener,
	isSealed,
	mosquittoAccess,
	mosquittoConfiguration,
	mosquittoPasswords,
	sealed,
} from "./mosquitto-files.ts";
import type { Role } from "./rules.ts";

export interface BrokerConfigWish {
	readonly site: SiteName;
	/** Every host of the fleet; one that is left out loses its account. */
	readonly hosts: readonly HostName[];
	/** Port 1883 on every network when left out. */
	readonly listeners?: readonly BrokerListener[];
	/** Where Mosquitto keeps its own state; Debian's place when left out. */
	readonly persistenceDirectory?: string;
}

export interface WrittenBrokerConfig {
	/** Host accounts by host name, then `coordinator`, `integration`, `home-assistant`. */
	readonly accounts: readonly BrokerAccount[];
	readonly configurationFile: string;
	readonly accountsFile: string;
	/** The files whose content is new. */
	readonly changed: readonly string[];
}

const AccountsFile = z.object({
	writtenBy: z.literal("davit broker-config"),
	site: SiteName,
	accounts: z.record(z.string(), z.string().min(16)),
});
type AccountsFile = z.infer<typeof AccountsFile>;

/**
 * Writes what Mosquitto needs to serve a fleet into `directory`: `mosquitto.conf`, `passwords`, `access`, and beside them
 * `accounts.json` (0600), which alone holds the passwords themselves. Run again it keeps the passwords that are there and adds
 * and removes hosts. A file that is not its own, or was changed by hand, is left alone and nothing is written.
 * @throws OperationError configuration-invalid | host-name-taken
 */
export async function writeBrokerConfig(
	directory: string,
	wish: BrokerConfigWish,
): Promise<WrittenBrokerConfig> {
	const folder = resolve(directory);
	const path = (name: string) => join(folder, name);
	const accountsFile = path("accounts.json");
	const known = await readAccounts(accountsFile, wish.site);
	const accounts = rolesOf(wish.hosts).map(({ username, role }) => ({
		...{ username, role },
		password: known?.accounts[username] ?? newPassword(),
	}));
	const sealedFiles = {
		passwords: sealed(mosquittoPasswords(accounts), "Passwords of Davit's accounts, by davit broker-config."),
		access: sealed(mosquittoAccess(accounts, wish.site), "What each account may do, by davit broker-config."),
		"mosquitto.conf": sealed(
			mosquittoConfiguration({
				listeners: wish.listeners ?? [{ port: 1883 }],
				passwordFile: path("passwords"),
				accessFile: path("access"),
				persistenceDirectory: wish.persistenceDirectory ?? "/var/lib/mosquitto/",
			}),
			`Start it with: mosquitto -c ${path("mosquitto.conf")} (its user must be able to read these files).`,
		),
	};
	await mkdir(folder, { recursive: true, mode: 0o750 });
	const stale = await findStale(folder, sealedFiles);
	const changed: string[] = [];
	const accountsText = describeAccounts(wish.site, accounts);
	if ((await readIfThere(accountsFile)) !== accountsText) {
		// First: passwords that exist nowhere but in Mosquitto's hashes would be lost for good.
		await writeDurably(accountsFile, accountsText, 0o600);
		changed.push(accountsFile);
	}
	for (const [name, content] of stale) {
		await writeDurably(path(name), content, 0o640);
		changed.push(path(name));
	}
	return { accounts, configurationFile: path("mosquitto.conf"), accountsFile, changed };
}

function rolesOf(hosts: readonly HostName[]): { username: string; role: Role }[] {
	const reserved = hosts.find(isUsernameTaken);
	if (reserved !== undefined) {
		throw new OperationError("host-name-taken", `no host can be called ${reserved}: it is an account's name`);
	}
	const names = [...new Set(hosts)].sort();
	const others = ["coordinator", "integration", "home-assistant"] as const;
	return [
		...names.map((host) => ({ username: host, role: { kind: "agent", host } as const })),
		...others.map((kind) => ({ username: kind, role: { kind } as const })),
	];
}

/** Those whose content is to change. @throws OperationError when one of them is not ours to change. */
async function findStale(
	folder: string,
	files: Readonly<Record<string, string>>,
): Promise<[string, string][]> {
	const stale: [string, string][] = [];
	for (const [name, content] of Object.entries(files)) {
		const present = await readIfThere(join(folder, name));
		if (present !== undefined && !isSealed(present)) throw notOurs(join(folder, name));
		if (present !== content) stale.push([name, content]);
	}
	return stale;
}

async function readAccounts(file: string, site: SiteName): Promise<AccountsFile | undefined> {
	const text = await readIfThere(file);
	if (text === undefined) return undefined;
	const parsed = AccountsFile.safeParse(parseJson(text));
	if (!parsed.success) throw notOurs(file);
	if (parsed.data.site === site) return parsed.data;
	throw new OperationError(
		"configuration-invalid",
		`${file} holds the accounts of the site ${parsed.data.site}, not of ${site}`,
		{ hint: "write into another directory" },
	);
}

function describeAccounts(site: SiteName, accounts: readonly BrokerAccount[]): string {
	const passwords = Object.fromEntries(accounts.map(({ username, password }) => [username, password]));
	const file: AccountsFile = { writtenBy: "davit broker-config", site, accounts: passwords };
	return `${JSON.stringify(file, undefined, "\t")}\n`;
}

function notOurs(file: string): OperationError {
	return new OperationError(
		"configuration-invalid",
		`${file} was not written by davit broker-config, or was changed since: it was left as it is`,
		{ hint: "move it away, or write into another directory" },
	);
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		// Not JSON is not ours; the caller says so.
		return undefined;
	}
}

async function readIfThere(file: string): Promise<string | undefined> {
	try {
		return await readFile(file, "utf8");
	} catch (error) {
		if (error instanceof Error && Reflect.get(error, "code") === "ENOENT") return undefined;
		throw error;
	}
}
