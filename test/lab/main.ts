import { once } from "node:events";
import { labAvailability } from "./availability.ts";
import { type Laboratory, openLaboratory } from "./laboratory.ts";

// `npm run lab`: starts the laboratory, says how each part is reached, and keeps it until Ctrl-C.

const stopped = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => stopped.abort(new Error(name)));

const { hosts, homeAssistant } = await labAvailability();
const reason = hosts ?? homeAssistant;
if (reason === undefined) await keepLaboratory();
else {
	process.stderr.write(`error: ${reason}\n`);
	process.exitCode = 1;
}

async function keepLaboratory(): Promise<void> {
	process.stderr.write(
		"starting the laboratory (the first time it installs what is missing: about two minutes) …\n",
	);
	try {
		await using laboratory = await openLaboratory(
			{
				hosts: [
					{ name: "nas", engine: "20.10" },
					{ name: "pi", engine: "26.1" },
				],
				mosquitto: {},
				homeAssistant: [{ version: "2026.11.0" }],
				registry: true,
			},
			stopped.signal,
		);
		process.stdout.write(describe(laboratory));
		if (!stopped.signal.aborted) await once(stopped.signal, "abort");
		process.stderr.write("\nremoving the laboratory …\n");
	} catch (error) {
		// Ctrl-C while it starts: what was there is removed by now, and nothing went wrong.
		if (!stopped.signal.aborted) throw error;
	}
}

function describe(laboratory: Laboratory): string {
	const homeAssistant = laboratory.homeAssistant();
	const hostLines = ["nas", "pi"].flatMap((name) => {
		const host = laboratory.host(name);
		return [
			`host ${name}        Docker ${host.engine}, address ${host.address}`,
			`  docker         DOCKER_HOST=unix://${host.socketPath} docker ps`,
			`  inside         nsenter --net=${host.netns} sh`,
			`  its files      ${host.folder}`,
		];
	});
	return [
		...hostLines,
		`Mosquitto        ${laboratory.broker.url} (from the hosts: ${laboratory.broker.urlForHosts})`,
		`  log            ${laboratory.broker.logPath}`,
		`registry         ${laboratory.registry.url} (from the hosts: ${laboratory.registry.prefix}/NAME:TAG)`,
		`Home Assistant   ${homeAssistant.url} (${homeAssistant.version}), user ${homeAssistant.account.username}, password ${homeAssistant.account.password}`,
		`  token          ${homeAssistant.token}`,
		`  log            ${homeAssistant.logPath}`,
		"Ctrl-C removes it all.",
		"",
	].join("\n");
}
