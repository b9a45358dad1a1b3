import type { Treated } from "./plan-treatment.ts";

/** Where a container stands in its Compose project. */
export type ComposePlace = {
	readonly project: string;
	readonly service: string;
	/** Services that it needs. */
	readonly dependsOn: readonly string[];
};

/** Of a container's labels; undefined where Compose did not make it. */
export function composePlaceOf(labels: Readonly<Record<string, string>>): ComposePlace | undefined {
	const project = labels["com.docker.compose.project"];
	const service = labels["com.docker.compose.service"];
	if (project === undefined || service === undefined) return undefined;
	// `db:service_healthy:true,queue:service_started:false`
	const dependsOn = (labels["com.docker.compose.depends_on"] ?? "")
		.split(",")
		.map((one) => one.split(":")[0] ?? "")
		.filter((name) => name !== "");
	return { project, service, dependsOn };
}

/**
 * Containers in the order in which they are stopped: those of a wave at once, and each only when all that need it have ended.
 * They are started the other way round. What needs itself in a circle ends at once.
 */
export function wavesOf<One extends Pick<Treated, "id" | "compose">>(
	treated: readonly One[],
): readonly (readonly One[])[] {
	const waves: One[][] = [];
	let left = [...treated];
	while (left.length > 0) {
		const free = left.filter((one) => !left.some((other) => other !== one && needs(other, one)));
		const wave = free.length === 0 ? left : free;
		waves.push(wave);
		left = left.filter((one) => !wave.includes(one));
	}
	return waves;
}

function needs(
	{ compose: from }: Pick<Treated, "compose">,
	{ compose: to }: Pick<Treated, "compose">,
): boolean {
	if (from === undefined || to === undefined || from.project !== to.project) return false;
	return from.dependsOn.includes(to.service);
}
