import type { RunDocument, RunPart } from "@davit/protocol";

/** The runs of a run's parts that were begun, as documents of their own; their stories are told by `davit log`. */
export function runsOfParts({ asOf, parts = [] }: RunDocument): RunDocument[] {
	return parts.flatMap(({ run }): RunDocument[] => {
		if (run === null) return [];
		const downtimeMs = run.result?.["downtimeMs"];
		return [
			{
				...{ schema: "davit/run/1", asOf, run, steps: [], cancel: null, undo: null },
				downtimeSeconds: typeof downtimeMs === "number" ? downtimeMs / 1000 : null,
			},
		];
	});
}

/** `2 of 3 succeeded` */
export function countOfParts(parts: readonly RunPart[]): string {
	return `${parts.filter(({ state }) => state === "succeeded").length} of ${parts.length} succeeded`;
}
