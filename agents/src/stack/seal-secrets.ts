import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Bytes, OperationError, type StackContent } from "@davit/protocol";
import { z } from "zod";
import { makeSeal, openHeader } from "../encryption/age-header.ts";
import { headerIn } from "../encryption/find-header.ts";
import { StoredReader } from "../encryption/read-stored.ts";
import { StoredWriter } from "../encryption/write-stored.ts";
import { sha256Of } from "../files/tree-entry.ts";

export const secretsFile = "secrets.age";

/** Everything secret of a project's files. */
export const SecretDocument = z.object({
	version: z.literal(1),
	/** The rendered project with all its values. */
	rendered: z.looseObject({}),
	files: z.array(
		z.object({
			...{ path: z.string(), mode: z.int(), uid: z.int(), gid: z.int(), mtimeMs: z.number() },
			...{ isSecret: z.boolean(), content: z.base64() },
		}),
	),
});
export type SecretDocument = z.infer<typeof SecretDocument>;

/** Writes `secrets.age` into an archive's folder, for `age -d` too. */
export async function sealSecrets(
	document: SecretDocument,
	{ folder, recipients }: { readonly folder: string; readonly recipients: readonly string[] },
): Promise<NonNullable<StackContent["secrets"]>> {
	using writer = new StoredWriter(join(folder, secretsFile), await makeSeal(recipients));
	writer.append(Buffer.from(JSON.stringify(document)));
	const { bytes, sha256 } = writer.finish();
	return { path: secretsFile, bytes: Bytes.parse(bytes), sha256: sha256Of(sha256) };
}

/** @throws OperationError stack-secrets-sealed where none of the identities opens it | archive-corrupt */
export async function openSecrets(folder: string, identities: readonly string[]): Promise<SecretDocument> {
	const path = join(folder, secretsFile);
	const header = headerIn(await readFile(path));
	const fileKey = header === undefined ? undefined : await openHeader(header, identities);
	if (fileKey === undefined) {
		throw new OperationError("stack-secrets-sealed", `${path} cannot be opened with this host's keys`, {
			hint: "put the age identity that opens it in place, or unpack the parts by hand",
		});
	}
	using reader = new StoredReader(path, fileKey);
	return SecretDocument.parse(JSON.parse(reader.read(0, reader.bytes).toString("utf8")));
}

/** @throws OperationError archive-corrupt */
export function checkSecrets(folder: string, { bytes, sha256 }: NonNullable<StackContent["secrets"]>): void {
	using reader = new StoredReader(join(folder, secretsFile), undefined);
	const found = reader.summary();
	if (found.bytes !== bytes || found.sha256 !== sha256)
		throw reader.corrupt("it is not the one that the manifest names");
}
