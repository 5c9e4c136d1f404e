/** The steps of long work, as they are told to people. */
import { expect, test } from "vitest";
import { PROGRESS_STEPS } from "../../proto/http/progress.ts";
import { stepText } from "../../proto/http/progress-text.ts";

test("each step has words of its own in each language, Chinese ones in Chinese", () => {
  for (const language of ["en", "zh-CN"] as const) {
    const texts = PROGRESS_STEPS.map((step) => stepText({ step }, language));
    expect(new Set(texts).size).toBe(PROGRESS_STEPS.length);
    if (language === "zh-CN") for (const text of texts) expect(text).toMatch(/^\p{Script=Han}+$/u);
  }
});

test("a partition and a file are named with what is done to them", () => {
  const partition = { step: "sealed-tags", partition: { number: 3, of: 16 } } as const;
  expect(stepText(partition, "en")).toBe("partition 3 of 16: sealed tags");
  expect(stepText(partition, "zh-CN")).toBe("第 3/16 分区：传输封装标记");
  const file = { step: "reading-file", file: "a.csv" } as const;
  expect(stepText(file, "en")).toBe("reading a.csv");
  expect(stepText(file, "zh-CN")).toBe("读取文件 a.csv");
});
