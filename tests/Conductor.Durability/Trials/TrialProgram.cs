namespace Conductor.Durability.Trials;

/// <summary>Runs trials and prints their figures. The exit code is 0 when every one passed.</summary>
internal static class TrialProgram
{
    public static async Task<int> RunAsync(string[] args)
    {
        var isLong = args.Contains("long", StringComparer.Ordinal);
        var only = args.FirstOrDefault(static argument => argument is not "long" and not "short");
        var kills = isLong ? 2_000 : 50;
        (string Name, Func<string, Task<Outcome>> Run)[] trials =
        [
            ("kill", folder => KillTrial.RunAsync(folder, kills)),
            ("pause", folder => PauseTrial.RunAsync(folder, rounds: isLong ? 40 : 3, fence: true)),
            ("no-fence", folder => PauseTrial.RunAsync(folder, rounds: isLong ? 10 : 3, fence: false)),
            ("two-runners", folder => TwoRunnersTrial.RunAsync(folder, workflows: 200)),
            ("poison", PoisonTrial.RunAsync),
        ];
        var (passed, failed) = (0, 0);
        foreach (var (name, run) in trials.Where(trial => only is null || trial.Name == only))
        {
            var folder = Directory.CreateTempSubdirectory($"conductor-{name}-").FullName;
            var startedAt = TimeProvider.System.GetTimestamp();
            var outcome = await run(folder);
            Console.WriteLine($"{name}: {(outcome.Passed ? "passed" : "FAILED")} after {TimeProvider.System.GetElapsedTime(startedAt).TotalSeconds:0} s");
            Console.WriteLine($"  {outcome.Figures}");
            passed += outcome.Passed ? 1 : 0;
            failed += outcome.Passed ? 0 : 1;
            if (outcome.Passed)
            {
                Directory.Delete(folder, recursive: true);
            }
            else
            {
                Console.WriteLine($"  files kept in {folder}");
            }
        }

        Console.WriteLine($"{passed} passed, {failed} failed");
        return failed == 0 && passed > 0 ? 0 : 1;
    }
}
