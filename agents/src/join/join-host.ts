import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
	decodeJoinString,
	type HostName,
	type JoinInvitation,
	OperationError,
	SiteName,
} from "@davit/protocol";
import { z } from "zod";
import { AgentConfig } from "../config.ts";
import { type Admission, askCoordinator } from "./ask-coordinator.ts";
import { ownPublicKey } from "./own-key.ts";
import { writeSecret } from "./write-secret.ts";

export interface JoinWish {
	/** As `davit host join NAME` printed it on the coordinator's host. */
	readonly string: string;
	/** `DAVIT_HOME`, an absolute path. */
	readonly home: string;
}

export interface Joined {
	readonly site: SiteName;
	readonly host: HostName;
	readonly configFile: string;
}

const Settings = z.record(z.string(), z.unknown());
type Settings = z.infer<typeof Settings>;

/**
 * Makes this machine a host of a fleet: gets an account with a one-time string, and writes `config/agent.json` (0600) for the
 * agent to start from. Other settings in that file stay. A machine that has joined under another name is left alone, and whatever
 * is wrong here is found before the string is used up.
 * @throws OperationError token-invalid | fingerprint-mismatch | host-name-taken | coordinator-unreachable | configuration-invalid
 */
export async function joinHost({ string, home }: JoinWish, signal: AbortSignal): Promise<Joined> {
	const invitation = decodeJoinString(string.trim());
	const configFile = join(home, "config", "agent.json");
	const before = await readSettings(configFile);
	refuseOtherHost(before, invitation, configFile);
	settingsFor(likelyAdmission(invitation), { before, home });
	const publicKey = await ownPublicKey(home);
	await mkdir(join(home, "config"), { recursive: true, mode: 0o700 });
	const admission = await askCoordinator(invitation, publicKey, signal);
	const settings = settingsFor(admission, { before, home });
	await writeSecret(configFile, `${JSON.stringify(settings, undefined, "\t")}\n`);
	return { site: admission.site, host: admission.host, configFile };
}

function settingsFor(
	{ site, host, coordinatorKey, broker }: Admission,
	{ before, home }: { before: Settings; home: string },
): Settings {
	const settings = { ...before, site, host, home, coordinatorKey, broker };
	const parsed = AgentConfig.safeParse(settings);
	if (parsed.success) return settings;
	throw new OperationError(
		"configuration-invalid",
		`joining would make no usable configuration: ${z.prettifyError(parsed.error)}`,
		{
			cause: parsed.error,
			hint: "mend the key named above in config/agent.json; if it is not there, upgrade Davit",
		},
	);
}

/** Of the shape that will come, to try the settings with. */
function likelyAdmission({ host }: JoinInvitation): Admission {
	return {
		...{ version: 1, outcome: "admitted", site: SiteName.parse("site"), host },
		coordinatorKey: Buffer.alloc(44).toString("base64"),
		broker: { url: "mqtt://broker:1883", username: host, password: "password" },
	};
}

function refuseOtherHost(before: Settings, { host }: JoinInvitation, configFile: string): void {
	if (before["host"] === undefined || before["host"] === host) return;
	throw new OperationError(
		"configuration-invalid",
		`this machine has joined as ${String(before["host"])} already, and was not made ${host}`,
		{ hint: `move ${configFile} away to let it join as another` },
	);
}

async function readSettings(file: string): Promise<Settings> {
	try {
		return Settings.parse(JSON.parse(await readFile(file, "utf8")));
	} catch (error) {
		if (error instanceof Error && Reflect.get(error, "code") === "ENOENT") return {};
		throw new OperationError("configuration-invalid", `the agent's configuration ${file} cannot be read`, {
			cause: error,
			hint: "mend it, or move it away and join again",
		});
	}
}
