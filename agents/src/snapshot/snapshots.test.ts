import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { newId, OperationError } from "@davit/protocol";
import { mountOf, parseMounts } from "../resource/read-mounts.ts";
import type { Ground, Snapshot, Tools } from "./method.ts";
import type { RunTool } from "./run-tool.ts";
import { lvm } from "./snapshot-lvm.ts";
import { zfs } from "./snapshot-zfs.ts";
import { findSnapshot, sweepSnapshots, takeSnapshot } from "./snapshots.ts";

// ZFS and LVM by tools that answer as the real ones do: not every kernel has them. btrfs and XFS are real in test/agents.

const home = await mkdtemp(join(tmpdir(), "davit-snapshot-"));
after(() => rm(home, { recursive: true, force: true }));
const command = newId();
const signal = AbortSignal.timeout(30_000);

const table = `
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:40 / /srv/tank rw shared:2 - zfs tank/data rw,xattr
41 22 0:41 /part /srv/part rw shared:3 - zfs tank/other rw
42 22 254:3 / /srv/with\\040space rw shared:4 - xfs /dev/mapper/vg0-data rw
43 42 0:43 / /srv/with\\040space rw shared:5 - ext4 /dev/mapper/vg0-newer rw
`;
const mounts = parseMounts(table);

function groundOf(folder: string): Ground {
	const mounted = mountOf(folder, mounts);
	assert.ok(mounted !== undefined);
	return { folder, mounted, mounts, command, home };
}

/** Answers by the beginning of the words, and remembers all of them. */
function fake(answers: Readonly<Record<string, string | Error>>): Tools & { readonly said: string[] } {
	const said: string[] = [];
	const run: RunTool = async (argv) => {
		const line = argv.join(" ");
		said.push(line);
		const known = Object.keys(answers).find((start) => line.startsWith(start));
		const answer = known === undefined ? "" : answers[known];
		if (answer instanceof Error) throw answer;
		return answer ?? "";
	};
	return { run, signal, said };
}

function present(found: Snapshot | string | undefined): Snapshot {
	assert.ok(typeof found === "object", String(found));
	return found;
}

test("a path lies in the longest and newest of the mounts above it", () => {
	assert.equal(mountOf("/srv/tank/photos", mounts)?.source, "tank/data");
	assert.equal(mountOf("/srv/with space/x", mounts)?.source, "/dev/mapper/vg0-newer");
	assert.equal(mountOf("/srv/tanker", mounts)?.point, "/");
});

test("ZFS takes a snapshot of the data set, shows it below .zfs, and destroys only what is there", async () => {
	const snapshot = present(await zfs.find(groundOf("/srv/tank/photos"), fake({})));
	assert.equal(snapshot.root, `/srv/tank/.zfs/snapshot/davit-${command}/photos`);
	const absent = fake({ "zfs list": "tank/data@daily\n" });
	await zfs.take(snapshot, absent);
	await zfs.remove(snapshot, absent);
	assert.deepEqual(
		absent.said.filter((line) => !line.startsWith("zfs list")),
		[`zfs snapshot tank/data@davit-${command}`],
	);
	const there = fake({ "zfs list": `tank/data@daily\ntank/data@davit-${command}\n` });
	await zfs.remove(snapshot, there);
	assert.equal(there.said.at(-1), `zfs destroy tank/data@davit-${command}`);
	assert.equal(await zfs.find(groundOf("/srv/part"), fake({})), "its data set is mounted in part only");
	assert.equal(await zfs.find(groundOf("/etc"), fake({})), undefined);
});

const volume = { vg_name: "vg0", lv_name: "newer", lv_size: "10737418240", vg_free: "4294967296" };

function lvs(more: object): string {
	return JSON.stringify({ report: [{ lv: [{ ...volume, pool_lv: "", ...more }] }] });
}

test("LVM takes a fifth of a classic volume's size, and mounts what it took for reading", async () => {
	const tools = fake({ "lvs --reportformat": lvs({}), "lvs --noheadings": `  newer\n  davit-${command}\n` });
	const snapshot = present(await lvm.find(groundOf("/srv/with space/x"), tools));
	await lvm.take(snapshot, tools);
	await lvm.remove(snapshot, tools);
	const point = join(home, "agent", "snapshots", command);
	assert.equal(snapshot.root, join(point, "x"));
	assert.deepEqual(tools.said.slice(1), [
		`lvcreate --snapshot --size 2147483648b --name davit-${command} vg0/newer`,
		`mount -t ext4 -o ro /dev/vg0/davit-${command} ${point}`,
		"lvs --noheadings -o lv_name vg0",
		`lvremove --yes vg0/davit-${command}`,
	]);
});

test("LVM takes a thin snapshot without a size, and none where the group is full", async () => {
	const thin = fake({ "lvs --reportformat": lvs({ pool_lv: "pool" }) });
	const snapshot = present(await lvm.find(groundOf("/srv/with space"), thin));
	await lvm.take(snapshot, thin);
	assert.equal(thin.said[1], `lvcreate --snapshot --setactivationskip n --name davit-${command} vg0/newer`);
	const full = fake({ "lvs --reportformat": lvs({ vg_free: "1048576" }) });
	const why = await lvm.find(groundOf("/srv/with space"), full);
	assert.equal(why, "volume group vg0 has too little free room");
	assert.equal(await lvm.find(groundOf("/etc"), full), undefined);
});

test("a snapshot whose mount fails is removed again, and one that cannot be is swept later", async () => {
	const refused = new OperationError("snapshot-refused", "mount said: no");
	const list = { "lvs --reportformat": lvs({}), "lvs --noheadings": `davit-${command}\n` };
	const snapshot = present(await lvm.find(groundOf("/srv/with space"), fake(list)));
	const failing = fake({ ...list, mount: refused });
	await assert.rejects(takeSnapshot(snapshot, home, failing), refused);
	assert.equal(failing.said.at(-1), `lvremove --yes vg0/davit-${command}`);
	await rm(join(home, "agent", "snapshots", command), { recursive: true, force: true });
	assert.deepEqual(await readdir(join(home, "agent", "snapshots")), []);

	const tools = fake(list);
	await takeSnapshot(snapshot, home, tools);
	await mkdir(join(home, "agent", "snapshots", command), { recursive: true });
	assert.deepEqual(await sweepSnapshots(home, new Set([command]), tools), []);
	const stuck = fake({ ...list, lvremove: refused });
	assert.deepEqual(await sweepSnapshots(home, new Set(), stuck), [
		{ name: `vg0/davit-${command}`, failure: refused },
	]);
	assert.deepEqual(await sweepSnapshots(home, new Set(), tools), [{ name: `vg0/davit-${command}` }]);
	assert.deepEqual(await readdir(join(home, "agent", "snapshots")), []);
});

test("where there is no snapshot, an end of a sentence says why", async () => {
	const why = await findSnapshot({ folder: "/proc/self", command, home }, fake({}));
	assert.equal(why, "the file system proc makes none");
});
