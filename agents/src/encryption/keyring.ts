import { link, mkdir, open, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type KeyHolder, newId, OperationError } from "@davit/protocol";
import { errnoOf } from "../files/file-failure.ts";
import { writeSecret } from "../join/write-secret.ts";
import { makeIdentity, recipientOf, requireRecipient } from "./age-header.ts";

/** The keys of this host: text files that `age` itself reads. Each call reads them anew, so a change counts at once. */
export interface Keyring {
	/**
	 * For whom new archives are encrypted: this host and the recovery keys; undefined where there is no recovery key, and then they
	 * are not, since what only a host opens is lost with it.
	 * @throws OperationError key-invalid
	 */
	holders(): Promise<readonly KeyHolder[] | undefined>;
	/**
	 * All that may open an archive here, the newest first.
	 * @throws OperationError key-invalid
	 */
	identities(): Promise<readonly string[]>;
	/** Makes a new key of this host, for archives from now on. Those before stay and open what they opened. */
	rotate(): Promise<string>;
	/** Keeps what an archive of a lost host, or of an earlier key, needs; returns its recipients. */
	add(identities: readonly string[], where: string): Promise<readonly string[]>;
	/** Replaces the recovery keys that archives from now on are encrypted for. */
	trust(recipients: readonly string[]): Promise<void>;
}

/** @param home of the agent; the files lie in its `agent/` */
export function openKeyring(home: string): Keyring {
	const folder = join(home, "agent");
	const own = join(folder, "age-identities.txt");
	const added = join(folder, "added-identities.txt");
	const recovery = join(folder, "recovery-recipients.txt");
	const read = async (file: string): Promise<string[]> => ((await exists(file)) ? readIdentities(file) : []);
	let changing: Promise<void> = Promise.resolve();
	const ownIdentities = async () => {
		if (!(await exists(own))) await writeFirst(own, identityText(await makeIdentity(), ""));
		return readIdentities(own);
	};
	return {
		async holders() {
			// Who was told to trust a key encrypts for it from then on; whether that could be noted is told there.
			await changing.catch(() => undefined);
			const recoveryKeys = await readRecipients(recovery);
			if (recoveryKeys.length === 0) return undefined;
			const [newest = ""] = await ownIdentities();
			return [
				{ role: "host", recipient: await recipientOf(newest, own) },
				...recoveryKeys.map((recipient) => ({ role: "recovery" as const, recipient })),
			];
		},
		identities: async () => [...(await read(own)), ...(await read(added))],
		async rotate() {
			const before = (await exists(own)) ? await readSecret(own) : "";
			const identity = await makeIdentity();
			await mkdir(folder, { recursive: true, mode: 0o700 });
			await writeSecret(own, identityText(identity, before));
			return recipientOf(identity, own);
		},
		async add(identities, where) {
			const recipients = await Promise.all(identities.map((identity) => recipientOf(identity, where)));
			const before: readonly string[] = await read(added);
			const fresh = identities.filter((identity) => !before.includes(identity));
			await mkdir(folder, { recursive: true, mode: 0o700 });
			await writeSecret(added, [...before, ...fresh].map((identity) => `${identity}\n`).join(""));
			return recipients;
		},
		trust(recipients) {
			changing = changing.catch(() => undefined).then(() => writeRecipients(recovery, recipients));
			return changing;
		},
	};
}

/**
 * The age identities in a file, which may be a recovery kit: all else in it begins with `#`.
 * @throws OperationError key-invalid when there is none, or one cannot be used
 */
export async function readIdentities(file: string): Promise<string[]> {
	const identities = linesOf(await readSecret(file));
	if (identities.length === 0) throw new OperationError("key-invalid", `${file} holds no age identity`);
	for (const identity of identities) await recipientOf(identity, file);
	return identities;
}

async function writeRecipients(file: string, recipients: readonly string[]): Promise<void> {
	for (const recipient of recipients) await requireRecipient(recipient, "a recovery key");
	await mkdir(dirname(file), { recursive: true, mode: 0o700 });
	if ((await readRecipients(file)).join() === recipients.join()) return;
	await writeSecret(file, recipients.map((recipient) => `${recipient}\n`).join(""));
}

async function readRecipients(file: string): Promise<string[]> {
	if (!(await exists(file))) return [];
	const recipients = linesOf(await readFile(file, "utf8"));
	for (const recipient of recipients) await requireRecipient(recipient, file);
	return [...new Set(recipients)];
}

/** A key that others may read is one no more. */
async function readSecret(file: string): Promise<string> {
	const { mode } = await stat(file).catch((error: unknown) => {
		if (errnoOf(error) !== "ENOENT") throw error;
		throw new OperationError("key-invalid", `there is no key file ${file}`, {
			cause: error,
			hint: "name the file that the recovery kit was saved to",
		});
	});
	if ((mode & 0o077) !== 0) {
		throw new OperationError(
			"key-invalid",
			`${file} can be read by others (mode ${(mode & 0o777).toString(8)})`,
			{
				hint: `chmod 600 ${file}`,
			},
		);
	}
	return readFile(file, "utf8");
}

function linesOf(text: string): string[] {
	return text
		.split("\n")
		.map((line) => line.trim())
		.filter((line) => line !== "" && !line.startsWith("#"));
}

function identityText(identity: string, before: string): string {
	return `# made ${new Date().toISOString()}\n${identity}\n${before}`;
}

/** Puts a file where there is none; who comes second keeps the first's, so that no key is lost that was used. */
async function writeFirst(file: string, text: string): Promise<void> {
	await mkdir(dirname(file), { recursive: true, mode: 0o700 });
	const made = `${file}.${newId()}`;
	try {
		await writeSecret(made, text);
		await link(made, file).catch((error: unknown) => {
			if (errnoOf(error) !== "EEXIST") throw error;
		});
		await using folder = await open(dirname(file));
		await folder.sync();
	} finally {
		await rm(made, { force: true });
	}
}

async function exists(file: string): Promise<boolean> {
	try {
		await stat(file);
		return true;
	} catch (error) {
		if (errnoOf(error) === "ENOENT") return false;
		throw error;
	}
}
