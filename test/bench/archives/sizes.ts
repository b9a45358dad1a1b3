import { z } from "zod";
import { ownEnvironment } from "../../lab/process/environment.ts";

const Size = z.coerce.number().int().min(10);

/** A size of the corpus, from the environment or as it is by default. */
export function sizeOf(name: string, standard: number): number {
	const asked = ownEnvironment()[name];
	return asked === undefined ? standard : Size.parse(asked);
}
