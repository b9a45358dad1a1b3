import { isAbsolute, normalize } from "node:path";
import { ProjectName } from "@davit/protocol";
import { commandLabel } from "../docker/command-label.ts";
import type { EngineContainer } from "../docker/engine.ts";

/** What Compose wrote on a project's containers. */
export interface FoundStack {
	readonly project: ProjectName;
	/** Without those of `docker compose run`. */
	readonly containers: readonly EngineContainer[];
	readonly workingFolder: string | undefined;
	/** Its Compose files, the one that is read first before the others. */
	readonly configFiles: readonly string[];
	/** Files with values for the Compose files, where others than `.env` were named. */
	readonly environmentFiles: readonly string[];
}

const projectLabel = "com.docker.compose.project";
const label = (name: string) => `${projectLabel}.${name}`;

/** Every Compose project that has a container, by name. Containers of Davit's own are left out. */
export function findStacks(containers: readonly EngineContainer[]): readonly FoundStack[] {
	const projects = new Map<ProjectName, EngineContainer[]>();
	for (const container of containers) {
		const project = ProjectName.safeParse(container.labels[projectLabel]);
		if (!project.success || container.labels[commandLabel] !== undefined) continue;
		if (container.labels["com.docker.compose.oneoff"] === "True") continue;
		projects.set(project.data, [...(projects.get(project.data) ?? []), container]);
	}
	return [...projects.keys()].sort().map((project) => describeStack(project, projects.get(project) ?? []));
}

function describeStack(project: ProjectName, containers: readonly EngineContainer[]): FoundStack {
	const byName = containers.toSorted((left, right) => (left.name < right.name ? -1 : 1));
	const [first] = byName;
	const listed = (name: string) => (first?.labels[label(name)] ?? "").split(",").filter(isPath);
	const workingFolder = first?.labels[label("working_dir")];
	return {
		...{ project, containers: byName },
		workingFolder: workingFolder !== undefined && isPath(workingFolder) ? workingFolder : undefined,
		configFiles: listed("config_files"),
		environmentFiles: listed("environment_file"),
	};
}

function isPath(text: string): boolean {
	return isAbsolute(text) && normalize(text) === text;
}
