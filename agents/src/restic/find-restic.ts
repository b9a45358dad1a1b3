import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Capability, OperationError, type RepositoryName } from "@davit/protocol";
import type { AgentConfig } from "../config.ts";
import { programPath } from "./address-repository.ts";
import { readCondition } from "./condition.ts";
import type { Restic } from "./run-restic.ts";

const run = promisify(execFile);

/** Its exit codes 10, 11 and 12 are of 0.17. */
const leastMinor = 17;
const hint =
	"install restic 0.17 or later: apt install restic (Debian 13), or github.com/restic/restic/releases";

export type ResticSettings = Pick<AgentConfig, "repositories" | "resticProgram" | "home">;

/**
 * A configured repository with the program that opens it.
 * @throws OperationError repository-not-found | restic-missing
 */
export async function openRestic(name: RepositoryName, config: ResticSettings): Promise<Restic> {
	const repository = config.repositories.find((one) => one.name === name);
	if (repository === undefined) {
		const known = config.repositories.map((one) => one.name);
		throw new OperationError("repository-not-found", `no repository is called ${name} on this host`, {
			candidates: known,
			hint: known.length === 0 ? "davit repository add" : `there are ${known.join(", ")}`,
		});
	}
	const found = await findRestic(config);
	if (!found.isUsable) throw new OperationError("restic-missing", found.detail, { hint });
	return { program: found.program, repository, home: config.home };
}

/** Whether this host can use repositories, for those who ask what it can do; undefined where none is configured. */
export async function describeRestic(config: ResticSettings): Promise<Capability | undefined> {
	const { isUsable, detail } = await findRestic(config);
	if (config.repositories.length === 0 && !isUsable) return undefined;
	const damaged = await findDamaged(config);
	if (isUsable && damaged !== undefined) return damaged;
	return { name: "restic", available: isUsable, detail: detail.slice(0, 300), ...(isUsable ? {} : { hint }) };
}

/** The first repository that a check found damaged. */
async function findDamaged({ repositories, home }: ResticSettings): Promise<Capability | undefined> {
	for (const repository of repositories) {
		const { damage } = await readCondition({ repository, home });
		if (damage === undefined) continue;
		const detail = `repository ${repository.name} is damaged, found ${damage.at}: ${damage.reason}`;
		const mend = "docs/operations.md, 'a repository is damaged'";
		return { name: "restic", available: false, detail: detail.slice(0, 300), hint: mend };
	}
	return undefined;
}

interface Found {
	readonly program: string;
	readonly isUsable: boolean;
	readonly detail: string;
}

async function findRestic({ resticProgram }: ResticSettings): Promise<Found> {
	const program = resticProgram ?? "restic";
	try {
		const { stdout } = await run(program, ["version"], { timeout: 20_000, env: { PATH: programPath } });
		const version = /^restic (\d+)\.(\d+)\S*/.exec(stdout);
		const [major, minor] = [Number(version?.[1] ?? 0), Number(version?.[2] ?? 0)];
		const isUsable = major > 0 || minor >= leastMinor;
		const shown = version?.[0] ?? "a program that does not say its version";
		return { program, isUsable, detail: isUsable ? shown : `${shown} at ${program} is older than 0.17` };
	} catch (error) {
		if (!(error instanceof Error)) throw error;
		return { program, isUsable: false, detail: `${program} cannot be run: ${error.message.split("\n")[0]}` };
	}
}
