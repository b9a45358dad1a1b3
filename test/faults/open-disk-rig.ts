import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { handlers } from "@davit/agents/handlers.ts";
import type { Operation, OperationContext } from "@davit/agents/operation.ts";
import { type ArchiveId, FolderPath, type OperationName, type Params } from "@davit/protocol";
import { openRig, type Rig } from "../agents/open-rig.ts";
import { perform } from "../agents/perform.ts";
import { openSmallDisk, type SmallDisk } from "../lab/fault/open-small-disk.ts";
import { run } from "../lab/process/run.ts";

export interface DiskRig extends AsyncDisposable {
	readonly disk: SmallDisk;
	readonly rig: Rig;
	/** The folder that is backed up; it lies on the disk like the archives. */
	readonly path: FolderPath;
	/** Replaces the folder's content by files that carry the label. */
	fill(label: string): Promise<void>;
	/** Names, and digests of the contents. */
	read(): Promise<Record<string, string>>;
	backUp(): Promise<ArchiveId>;
	planned(archive: ArchiveId): Promise<Params<"path.restore">>;
}

/** An agent's operations on a small disk of their own, which can be filled or lose its power. */
export async function openDiskRig(signal: AbortSignal): Promise<DiskRig> {
	const scratch = await realpath(await mkdtemp(join(tmpdir(), "davit-faults-")));
	const disk = await openSmallDisk({ path: join(scratch, "disk"), megabytes: 32 }, signal);
	const path = FolderPath.parse(join(disk.path, "srv/data"));
	await mkdir(path, { recursive: true });
	const rig = await openRig({ folder: disk.path, folders: [path] }, signal);
	const fill = async (label: string) => {
		await rm(path, { recursive: true });
		await mkdir(join(path, "deep"), { recursive: true });
		for (const name of ["one", "two", "deep/three"]) await writeFile(join(path, name), `${label} ${name}`);
		await writeFile(join(path, "noise"), randomBytes(400_000).toString("hex"));
		// What is backed up was there for long: only Davit's own writes are at risk.
		await run(["sync", "--file-system", path], { signal });
	};
	return {
		...{ disk, rig, path, fill },
		read: () => readTree(path),
		backUp: async () => (await perform("path.backup", { path }, { context: rig.context() })).result.archive,
		planned: async (archive) => {
			const action = { action: "restore", archive } as const;
			const { result } = await perform("path.plan", { path, action }, { context: rig.context() });
			return { path, archive, plan: result.digest };
		},
		[Symbol.asyncDispose]: async () => {
			await disk[Symbol.asyncDispose]();
			await rm(scratch, { recursive: true });
		},
	};
}

type Facts = Readonly<Record<string, unknown>>;

/** An operation's steps and a way to make them anew, as an agent's next life does. */
export async function prepare<Name extends OperationName>(
	name: Name,
	params: Params<Name>,
	{ context, signal }: { readonly context: OperationContext; readonly signal: AbortSignal },
): Promise<() => ReturnType<Operation<Name, Facts>["steps"]>> {
	// Facts are whatever the same operation's `prepare` gave, and go through JSON as in the journal.
	const operation = handlers[name] as unknown as Operation<Name, Facts>;
	const facts = JSON.parse(JSON.stringify(await operation.prepare(params, context, signal))) as Facts;
	return () => operation.steps(facts, context);
}

function sha256(content: Uint8Array): string {
	return createHash("sha256").update(content).digest("hex");
}

async function readTree(folder: string): Promise<Record<string, string>> {
	const tree: Record<string, string> = {};
	for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
		const at = join(entry.parentPath, entry.name);
		if (entry.isFile()) tree[at.slice(folder.length + 1)] = sha256(await readFile(at));
	}
	return tree;
}
