import { join } from "node:path";
import { openMemoryDesk } from "../page/desk.ts";
import { makePictureFleet } from "../page/fleet.ts";
import { openBrowser } from "../page/open-browser.ts";
import { openPage } from "../page/open-page.ts";

// `node test/picture/main.ts`: draws the Overview that stands in the README. Run by hand, when the page changes its looks.

const file = join(import.meta.dirname, "../../docs/overview.png");
await using page = await openPage({ desk: openMemoryDesk(makePictureFleet()) });
await using chrome = await openBrowser();
const tab = await chrome.newTab();
await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
await tab.setViewport({ width: 1120, height: 700, deviceScaleFactor: 2 });
await tab.goto(page.server.makePageLink());
await tab.waitForSelector("#needs");
await tab.waitForFunction(
	(element) => element?.textContent?.includes("live") === true,
	{},
	await tab.$("#liveness"),
);
await tab.screenshot({ path: file, fullPage: true, captureBeyondViewport: false });
process.stdout.write(`${file}\n`);
