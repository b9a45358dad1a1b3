import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { describeRestic, openRestic } from "@davit/agents/restic/find-restic.ts";
import { describeExit } from "@davit/agents/restic/judge-exit.ts";
import { requireSuccess, runRestic } from "@davit/agents/restic/run-restic.ts";
import { listSnapshots, readRepositoryId } from "@davit/agents/restic/snapshots.ts";
import { OperationError, RepositoryName } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import { openRepository, password } from "./open-repository.ts";

const { restic: unavailable } = await labAvailability();
const options = { skip: unavailable ?? false, timeout: 120_000 };
const signal = () => AbortSignal.timeout(60_000);

test("a repository tells its id, and a password that is wrong is told as such", options, async (t) => {
	const { restic, folder } = await openRepository(t);
	assert.match(await readRepositoryId(restic, signal()), /^[0-9a-f]{64}$/);
	assert.deepEqual(await listSnapshots(restic, { signal: signal() }), []);
	await writeFile(join(folder, "password"), "another");
	await assert.rejects(readRepositoryId(restic, signal()), withCode("repository-refused"));
});

test(
	"a password file that is missing, empty or open to others is refused before restic runs",
	options,
	async (t) => {
		const { restic, folder } = await openRepository(t, { init: false });
		const file = join(folder, "password");
		await chmod(file, 0o644);
		await assert.rejects(
			readRepositoryId(restic, signal()),
			withCode("repository-refused", /others may read/),
		);
		await chmod(file, 0o600);
		await writeFile(file, "");
		await assert.rejects(readRepositoryId(restic, signal()), withCode("repository-refused", /is empty/));
		const repository = { ...restic.repository, passwordFile: join(folder, "none") };
		await assert.rejects(
			readRepositoryId({ ...restic, repository }, signal()),
			withCode("repository-refused", /is not there/),
		);
	},
);

test("a folder that is no repository is left as it is", options, async (t) => {
	const { restic, folder } = await openRepository(t, { init: false });
	await mkdir(join(folder, "repository"));
	await assert.rejects(readRepositoryId(restic, signal()), withCode("repository-not-found"));
	assert.deepEqual(await readdir(join(folder, "repository")), []);
});

test("a server that does not answer is given up after the contact time", options, async (t) => {
	const { restic } = await openRepository(t, {
		init: false,
		url: "rest:http://127.0.0.1:1/",
		contactSeconds: 1,
	});
	await assert.rejects(readRepositoryId(restic, signal()), withCode("repository-unreachable", /refused/));
});

test("a lock that another holds is told, and the repository waits", options, async (t) => {
	const { restic, folder } = await openRepository(t);
	const held = new AbortController();
	// An exclusive lock for as long as its standard output is not read.
	let isHeld: () => void = () => undefined;
	const locked = new Promise<void>((resolve) => {
		isHeld = resolve;
	});
	const holding = runRestic(restic, {
		arguments: ["backup", "--stdin-from-command", "--", "sleep", "60"],
		...{ signal: held.signal, onLine: isHeld },
	});
	await locked;
	const exit = await runRestic(restic, { arguments: ["prune"], signal: signal() });
	held.abort();
	await assert.rejects(holding, { name: "AbortError" });
	assert.equal(exit.code, 11);
	assert.equal(describeExit(exit, { repository: "disk", doing: "prune" }).code, "repository-locked");
	assert.deepEqual(
		await readdir(join(folder, "repository/locks")),
		[],
		"a cancelled restic removes its lock",
	);
});

test("the password is in no argument and in no environment of the program", options, async (t) => {
	const { restic, folder } = await openRepository(t);
	const spy = join(folder, "spy");
	await writeFile(
		spy,
		`#!/bin/sh\ntr '\\0' '\\n' < /proc/$$/cmdline > ${folder}/seen\nenv >> ${folder}/seen\n`,
	);
	await chmod(spy, 0o700);
	await requireSuccess({ ...restic, program: spy }, { arguments: ["snapshots"], signal: signal() });
	const seen = await readFile(join(folder, "seen"), "utf8");
	assert.match(seen, /RESTIC_REPOSITORY=/);
	assert.equal(seen.includes(password), false);
});

test("codes that are not known are failures, and 3 is not success", () => {
	const meaning = (code: number) =>
		describeExit({ code, complaints: [] }, { repository: "r", doing: "backup" }).code;
	assert.deepEqual([10, 11, 12, 130].map(meaning), [
		...["repository-not-found", "repository-locked", "repository-refused", "cancelled"],
	]);
	for (let code = -1; code < 256; code += 1) {
		if (![0, 10, 11, 12, 130].includes(code)) assert.equal(meaning(code), "restic-failed");
	}
});

test("a host without restic, or with an old one, says how to get it", options, async (t) => {
	const { restic, folder, program } = await openRepository(t, { init: false });
	const settings = { repositories: [restic.repository], home: restic.home };
	const name = RepositoryName.parse("disk");
	assert.match(
		(await describeRestic({ ...settings, resticProgram: program }))?.detail ?? "",
		/^restic 0\.1[7-9]/,
	);
	const old = join(folder, "old");
	await writeFile(old, "#!/bin/sh\necho restic 0.14.0 compiled with go1.19.8 on linux/amd64\n");
	await chmod(old, 0o700);
	for (const resticProgram of [old, join(folder, "none")]) {
		const found = await describeRestic({ ...settings, resticProgram });
		assert.equal(found?.available, false);
		assert.match(found?.hint ?? "", /install restic 0\.17/);
		await assert.rejects(openRestic(name, { ...settings, resticProgram }), withCode("restic-missing"));
	}
	await assert.rejects(
		openRestic(RepositoryName.parse("tape"), { ...settings, resticProgram: program }),
		withCode("repository-not-found", /no repository is called tape/),
	);
});

function withCode(code: string, message = /./) {
	return (error: unknown) =>
		error instanceof OperationError && error.code === code && message.test(error.message);
}
