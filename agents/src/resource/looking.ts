import type { LookingVerb } from "@davit/protocol";
import type { Handlers } from "../operation.ts";
import { browse } from "./browse.ts";
import { diff } from "./diff.ts";

/** What looks into archives and changes nothing. */
export const lookingHandlers = {
	"volume.browse": browse,
	"path.browse": browse,
	"volume.diff": diff,
	"path.diff": diff,
} as const satisfies Pick<Handlers, `${"volume" | "path"}.${LookingVerb}`>;
