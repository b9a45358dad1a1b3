import type { OnWrite } from "../history/history.ts";

/** What a write throws where the power is cut. */
export class PowerCut extends Error {}

/** Counts the moments around writes and cuts the power once, at the `dieAt`-th from 1 on; 0 = never. */
export function cutPower(dieAt: number): { writes: number; died: boolean; readonly onWrite: OnWrite } {
	const cut = {
		...{ writes: 0, died: false },
		onWrite: () => {
			cut.writes += 1;
			if (cut.writes !== dieAt) return;
			cut.died = true;
			throw new PowerCut();
		},
	};
	return cut;
}
