import eslint from "@eslint/js";
import playwright from "eslint-plugin-playwright";
import typescript from "typescript-eslint";

export default typescript.config(
  { ignores: ["node_modules/", "test-results/", "playwright-report/", "gallery/"] },
  eslint.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [...typescript.configs.strictTypeChecked, ...typescript.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // Fixtures that need nothing are spelled `async ({}, use)`: Playwright reads the parameter's text.
      "no-empty-pattern": "off",
    },
  },
  {
    files: ["tests/**/*.ts"],
    extends: [playwright.configs["flat/recommended"]],
    rules: {
      // Tests read as a person's actions; many of those assert what the person must see.
      "playwright/expect-expect": ["error", { assertFunctionPatterns: ["^(expect|sees|isSignedOut)"] }],
      "playwright/no-wait-for-timeout": "error",
      "playwright/no-skipped-test": "error",
    },
  },
);
