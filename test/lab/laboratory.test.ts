import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { labAvailability } from "./availability.ts";
import { openClock } from "./clock.ts";
import { killProcess } from "./fault/kill-process.ts";
import { openSmallDisk } from "./fault/open-small-disk.ts";
import type { Host } from "./host/open.ts";
import { buildWriter, busyboxImage, importBusybox, writerFolder, writerImage } from "./image/build.ts";
import { type Laboratory, openLaboratory } from "./laboratory.ts";
import { identifyProcess, isAlive } from "./process/identify.ts";
import { pollUntil } from "./process/poll.ts";
import { run } from "./process/run.ts";

const available = await labAvailability();
const withHosts = { skip: available.hosts ?? false };
const withHomeAssistant = { skip: available.homeAssistant ?? false };
const signal = AbortSignal.timeout(600_000);

suite("hosts, broker and registry", () => {
	let laboratory: Laboratory;
	let nas: Host;
	let pi: Host;

	before(async () => {
		if (available.hosts !== undefined) return;
		laboratory = await openLaboratory(
			{
				hosts: [
					{ name: "nas", engine: "20.10" },
					{ name: "pi", engine: "26.1" },
				],
				mosquitto: {},
				registry: true,
			},
			signal,
		);
		[nas, pi] = [laboratory.host("nas"), laboratory.host("pi")];
	});
	after(() => (available.hosts === undefined ? laboratory[Symbol.asyncDispose]() : undefined));

	test("every host has the engine asked for, with an identity of its own", withHosts, async () => {
		const ask = (host: Host, format: string) => host.docker(["info", "--format", format]);
		assert.match(await ask(nas, "{{.ServerVersion}}"), /^20\.10\./);
		assert.match(await ask(pi, "{{.ServerVersion}}"), /^26\.1\./);
		assert.notEqual(await ask(nas, "{{.ID}}"), await ask(pi, "{{.ID}}"));
	});

	test(
		"a container writes into a volume whose files this machine sees, and ends at once when asked",
		withHosts,
		async () => {
			await importBusybox(nas, signal);
			await buildWriter(nas, signal);
			await nas.docker([
				"run",
				"--detach",
				"--name",
				"writer",
				"--volume",
				`notes:${writerFolder}`,
				writerImage,
			]);
			const path = join(nas.dataRoot, "volumes/notes/_data/written.log");
			const hasThree = async () => existsSync(path) && (await readFile(path, "utf8")).includes("3 1\n");
			await pollUntil(hasThree, { what: "three written lines", timeoutMs: 10_000, signal });
			const stopping = performance.now();
			await nas.docker(["stop", "writer"]);
			assert.ok(performance.now() - stopping < 5_000);
			assert.equal(await nas.docker(["inspect", "--format", "{{.State.ExitCode}}", "writer"]), "0");
		},
	);

	test("compose runs a project on either engine", withHosts, async () => {
		await importBusybox(pi, signal);
		const file = join(pi.folder, "compose.yaml");
		await writeFile(
			file,
			`services: { one: { image: "${busyboxImage}", command: ["sleep", "1000"], init: true } }\n`,
		);
		await pi.docker(["compose", "--project-name", "tried", "--file", file, "up", "--detach"]);
		assert.match(await pi.docker(["ps", "--format", "{{.Names}}"]), /tried.one/);
		await pi.docker(["compose", "--project-name", "tried", "--file", file, "down", "--volumes"]);
	});

	test("an image pushed by one host is pulled by the other", withHosts, async () => {
		const name = `${laboratory.registry.prefix}/shared:1`;
		await nas.docker(["tag", busyboxImage, name]);
		await nas.docker(["push", name]);
		assert.match(await pi.docker(["pull", name]), /Digest: sha256:/);
	});

	test(
		"a program inside a host has that host's network, and reaches the broker and the other host",
		withHosts,
		async () => {
			assert.match(
				(await nas.run(["ip", "-brief", "address", "show", "eth0"])).stdout,
				new RegExp(nas.address),
			);
			await nas.run([
				"mosquitto_pub",
				"-L",
				`${laboratory.broker.urlForHosts}/lab/greeting`,
				"-m",
				"hello",
				"-r",
			]);
			await nas.run(["busybox", "ping", "-c", "1", "-W", "2", pi.address]);
		},
	);

	test("a process is killed by number only when it is the one meant", withHosts, async () => {
		const sleeper = await nas.spawnInside(["sleep", "1000"], { name: "sleeper" });
		await assert.rejects(
			killProcess({ pid: sleeper.pid, command: "davit-agent" }, signal),
			/is not davit-agent/,
		);
		await killProcess({ pid: sleeper.pid, command: "sleep 1000" }, signal);
		assert.deepEqual(await sleeper.exited, { code: null, signal: "SIGKILL" });
		await assert.rejects(killProcess({ pid: sleeper.pid, command: "sleep" }, signal), /there is none/);
	});

	test("a host cut off reaches nothing until it is healed", withHosts, async () => {
		const publish = ["mosquitto_pub", "-L", `${laboratory.broker.urlForHosts}/lab/cut`, "-m", "x"];
		await pi.cut();
		await assert.rejects(pi.cut(), /was cut off before/);
		await assert.rejects(pi.run(["timeout", "2", ...publish]));
		await pi.heal();
		await assert.rejects(pi.heal(), /was connected before/);
		await pi.run(publish);
	});

	test(
		"the broker keeps what is retained over a restart and a kill, and forgets it when wiped",
		withHosts,
		async () => {
			const { broker } = laboratory;
			const port = String(broker.port);
			const read = () =>
				run(["mosquitto_sub", "-p", port, "-t", "lab/kept", "-C", "1", "-W", "1"], {
					signal,
					expectedCodes: [0, 27],
				});
			await run(["mosquitto_pub", "-p", port, "-t", "lab/kept", "-m", "still here", "-r", "-q", "1"], {
				signal,
			});
			await broker.stop();
			await broker.start();
			await broker.kill();
			await assert.rejects(broker.kill(), /does not run/);
			await broker.start();
			assert.equal((await read()).stdout, "still here\n");
			await broker.wipe();
			await assert.rejects(broker.wipe(), /nothing to wipe/);
			await broker.start();
			assert.equal((await read()).stdout, "");
		},
	);

	test("a broker takes accounts from a folder of configuration", withHosts, async () => {
		const folder = join(laboratory.folder, "accounts");
		await mkdir(folder);
		await run(["mosquitto_passwd", "-b", "-c", join(folder, "passwords"), "nas", "secret"], { signal });
		await writeFile(
			join(folder, "mosquitto.conf"),
			"listener 1883\nallow_anonymous false\npassword_file passwords\n",
		);
		const guarded = await laboratory.startBroker({ folder });
		const publish = ["mosquitto_pub", "-p", String(guarded.port), "-t", "lab/x", "-m", "x"];
		await assert.rejects(run(publish, { signal }), /not authori[sz]ed/i);
		await run([...publish, "-u", "nas", "-P", "secret"], { signal });
		await guarded.stop();
	});

	test("a small disk is filled to the last byte and freed again", withHosts, async () => {
		await using disk = await openSmallDisk({ path: join(nas.folder, "small"), megabytes: 16 }, signal);
		await disk.fill();
		await assert.rejects(writeFile(join(disk.path, "more"), "one more"), /ENOSPC/);
		await assert.rejects(disk.fill(), /full before/);
		await disk.free();
		await writeFile(join(disk.path, "more"), "fits again");
	});
});

suite("what a laboratory leaves behind", () => {
	test("a closed laboratory leaves nothing, and another opens after it", withHosts, async () => {
		for (const round of [1, 2]) {
			const laboratory = await openLaboratory({ hosts: [{ name: `h${round}`, engine: "26.1" }] }, signal);
			const { dockerd } = laboratory.host(`h${round}`);
			await laboratory[Symbol.asyncDispose]();
			assert.equal(isAlive(dockerd), false);
			await assertGone(laboratory.name, laboratory.folder);
		}
	});

	test("what a killed laboratory left is removed when the next one opens", withHosts, async () => {
		await using first = await openLaboratory({}, signal);
		const program = `
			const { openLaboratory } = await import(${JSON.stringify(import.meta.resolve("./laboratory.ts"))});
			const { importBusybox } = await import(${JSON.stringify(import.meta.resolve("./image/build.ts"))});
			const { openSmallDisk } = await import(${JSON.stringify(import.meta.resolve("./fault/open-small-disk.ts"))});
			const signal = AbortSignal.timeout(60_000);
			const laboratory = await openLaboratory({ hosts: [{ name: "nas", engine: "20.10" }], mosquitto: {} }, signal);
			const nas = laboratory.host("nas");
			await openSmallDisk({ path: nas.folder + "/small", megabytes: 8 }, signal);
			await nas.docker(["run", "--detach", await importBusybox(nas, signal), "sleep", "1000"]);
			console.log("open", laboratory.name, laboratory.folder, nas.dockerd.pid);`;
		const child = await first.spawn([process.execPath, "--input-type=module", "--eval", program], {
			name: "doomed",
		});
		const opened = await pollUntil(
			async () => /^open (\S+) (\S+) (\d+)$/m.exec(await child.readLog()) ?? undefined,
			{ what: "other laboratory", timeoutMs: 60_000, signal, explain: child.readLog },
		);
		const [, name = "", folder = "", pid = ""] = opened;
		await child.kill();
		const dockerd = identifyProcess(Number(pid));
		assert.ok(dockerd !== undefined, "the engine outlives its laboratory");
		const second = await openLaboratory({}, signal);
		await second[Symbol.asyncDispose]();
		assert.ok(second.swept.includes(name.replace("davitlab", "")));
		assert.equal(isAlive(dockerd), false);
		await assertGone(name, folder);
		assert.ok(existsSync(first.folder), "an open laboratory is left alone");
	});
});

suite("Home Assistant", () => {
	test(
		"the newest discovers a device, runs an automation, complains about bad payloads and survives a kill",
		withHomeAssistant,
		async (t) => {
			await using laboratory = await openLaboratory(
				{ mosquitto: {}, homeAssistant: [{ version: "2026.11.0" }], browser: true },
				signal,
			);
			const [homeAssistant, port] = [laboratory.homeAssistant(), String(laboratory.broker.port)];
			const publish = (topic: string, payload: unknown) =>
				run(["mosquitto_pub", "-p", port, "-t", topic, "-r", "-q", "1", "-s"], {
					signal,
					input: JSON.stringify(payload),
				});
			await publish("homeassistant/device/lab/config", discovery);
			await publish("lab/size", 12);
			await homeAssistant.waitForState("sensor.lab_size", ({ state }) => state === "12");
			assert.deepEqual(await homeAssistant.complaints(), []);

			await t.test("devices, entities and triggers are listed", async () => {
				const device = (await homeAssistant.registryDevices()).find(({ name }) => name === "Lab device");
				const triggers = await homeAssistant.deviceTriggers(String(device?.["id"]));
				assert.ok(triggers.some(({ type }) => type === "backup_failed"));
				assert.equal(
					(await homeAssistant.registryEntities()).filter(({ platform }) => platform === "mqtt").length,
					1,
				);
			});

			await t.test("an automation listens and acts", async () => {
				const automation = await homeAssistant.addAutomation("lab_size", {
					triggers: [{ trigger: "state", entity_id: "sensor.lab_size", to: "13" }],
					actions: [{ action: "mqtt.publish", data: { topic: "lab/acted", payload: "yes", retain: true } }],
				});
				await publish("lab/size", 13);
				const ran = ({ attributes }: { attributes: Readonly<Record<string, unknown>> }) =>
					attributes["last_triggered"] !== null;
				await homeAssistant.waitForState(automation, ran);
				const { stdout } = await run(["mosquitto_sub", "-p", port, "-t", "lab/acted", "-C", "1", "-W", "5"], {
					signal,
				});
				assert.equal(stdout, "yes\n");
			});

			await t.test("a payload it does not understand shows up as a complaint", async () => {
				await homeAssistant.mark();
				await publish("homeassistant/sensor/lab_bad/config", {
					state_topic: "lab/size",
					value_template: "{{ broken(",
				});
				const complained = async () => (await homeAssistant.complaints()).length > 0;
				await pollUntil(complained, { what: "complaint", timeoutMs: 10_000, signal });
			});

			await t.test("its entities are back after a kill", async () => {
				await homeAssistant.kill();
				await assert.rejects(homeAssistant.kill(), /has ended before/);
				await homeAssistant.start();
				await homeAssistant.waitForState("sensor.lab_size", ({ state }) => state === "13");
			});

			await t.test("a browser logs in and draws the device's page", async () => {
				const device = (await homeAssistant.registryDevices()).find(({ name }) => name === "Lab device");
				const file = join(laboratory.folder, "device.png");
				const path = `/config/devices/device/${String(device?.["id"])}`;
				const shown = await homeAssistant.photograph({ path, file, expect: "Lab device" });
				assert.match(shown, /Size/);
				assert.deepEqual((await readFile(file)).subarray(1, 4).toString(), "PNG");
			});
		},
	);

	test("the oldest starts and connects", { skip: available.homeAssistantOldest ?? false }, async () => {
		await using laboratory = await openLaboratory(
			{ mosquitto: {}, homeAssistant: [{ version: "2025.1.4" }] },
			signal,
		);
		const log = await readFile(laboratory.broker.logPath, "utf8");
		assert.match(log, /New client connected from 127\.0\.0\.1/);
		assert.deepEqual(await laboratory.homeAssistant().complaints(), []);
	});
});

test("the clock stands until it is moved", () => {
	const clock = openClock(new Date("2026-03-29T00:59:00Z"));
	clock.advance(60_000);
	assert.equal(new Date(clock.now()).toISOString(), "2026-03-29T01:00:00.000Z");
	clock.moveTo(new Date("2025-01-01T00:00:00Z"));
	assert.equal(new Date(clock.now()).toISOString(), "2025-01-01T00:00:00.000Z");
});

const discovery = {
	device: { identifiers: ["lab"], name: "Lab device" },
	origin: { name: "lab" },
	components: {
		size: {
			platform: "sensor",
			unique_id: "lab_size",
			name: "Size",
			default_entity_id: "sensor.lab_size",
			state_topic: "lab/size",
		},
		failed: {
			platform: "device_automation",
			automation_type: "trigger",
			type: "backup_failed",
			subtype: "lab",
			topic: "lab/trigger",
		},
	},
};

async function assertGone(name: string, folder: string): Promise<void> {
	const left = [
		...(await readdir("/run/netns")).filter((its) => its.startsWith(`${name}-`)),
		...(await readdir("/sys/class/net")).filter((its) => its === name || its.startsWith(`${name}-`)),
		...(await readdir("/run/davit-lab")).filter((its) => `davitlab${its}` === name),
		...(existsSync(folder) ? [folder] : []),
		...(await readFile("/proc/self/mountinfo", "utf8")).split("\n").filter((line) => line.includes(folder)),
	];
	assert.deepEqual(left, []);
}
