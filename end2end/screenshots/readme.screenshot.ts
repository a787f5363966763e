// The screenshots of README.md.

import { laptopWithFourDevices } from "../support/scene.ts";
import { test } from "../support/test.ts";

const folder = "../docs/images";
const viewport = { width: 1120, height: 760 };

for (const colorScheme of ["light", "dark"] as const) {
  test(`devices page, ${colorScheme}`, async ({ open, api }) => {
    const laptop = await laptopWithFourDevices(open, api, { colorScheme, viewport });
    await laptop.page.screenshot({ path: `${folder}/devices-${colorScheme}.png` });
  });
}
