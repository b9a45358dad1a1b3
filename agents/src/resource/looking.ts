import type { LookingVerb, OperationName } from "@davit/protocol";
import type { Handlers } from "../operation.ts";
import { previewStack } from "../stack/preview-stack.ts";
import { browse } from "./browse.ts";
import { diff } from "./diff.ts";
import { get } from "./get.ts";
import { preview } from "./preview.ts";
import { rescan } from "./rescan.ts";

/** What only looks and changes nothing. */
export const lookingHandlers = {
	"volume.browse": browse,
	"path.browse": browse,
	"volume.diff": diff,
	"path.diff": diff,
	"volume.preview": preview,
	"path.preview": preview,
	"stack.preview": previewStack,
	"volume.get": get,
	"path.get": get,
	"path.rescan": rescan,
} as const satisfies Pick<Handlers, Extract<OperationName, `${string}.${LookingVerb}`>>;
