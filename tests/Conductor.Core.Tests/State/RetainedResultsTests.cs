using Conductor.State;
using Conductor.Testing;
using CsCheck;

namespace Conductor.Tests.State;

public sealed class RetainedResultsTests
{
    private const int MaxCount = 40;

    /// <summary>Whatever is added, removed and grows old, the same results are found as in a list of them, and the same are said to be forgotten.</summary>
    [Fact]
    public void TryAdd_WhateverComesAndGoes_KeepsTheYoungest() => Gen.Select(
        Gen.Int[0, 9], Gen.Int[0, 60], Gen.Int[0, 2]).Array[1, 300].Sample(static steps =>
    {
        var time = new VirtualTimeProvider();
        var results = new RetainedResults(MaxCount, TimeSpan.FromHours(1), time);
        var model = new List<(string? Run, string Task, DateTimeOffset At)>();
        var (forgotten, expected) = (new List<string>(), new List<string>());
        foreach (var (step, number, of) in steps)
        {
            var run = of == 0 ? null : $"r{of}";
            var task = $"{run}t{number}";
            if (step == 0)
            {
                results.RemoveOf($"r{of}");
                model.RemoveAll(entry => entry.Run == $"r{of}");
            }
            else if (step == 1)
            {
                time.Advance(TimeSpan.FromMinutes(number));
            }
            else
            {
                Forget(model.TakeWhile(entry => time.GetUtcNow() - entry.At > TimeSpan.FromHours(1)).Count());
                var isNew = !model.Exists(entry => entry.Task == task);
                if (isNew)
                {
                    Forget(model.Count == MaxCount ? 1 : 0);
                    model.Add((run, task, time.GetUtcNow()));
                }

                results.TryAdd(KeyOf(run, task), ResultOf(run, task), key => forgotten.Add(key.TaskId.Text!)).Should().Be(isNew);
            }

            forgotten.Should().Equal(expected);
            foreach (var (_, seen, sought) in steps)
            {
                var (from, name) = (sought == 0 ? null : $"r{sought}", $"{(sought == 0 ? null : $"r{sought}")}t{seen}");
                results.Contains(KeyOf(from, name)).Should().Be(
                    model.Exists(entry => entry.Task == name && time.GetUtcNow() - entry.At <= TimeSpan.FromHours(1)));
            }
        }

        void Forget(int count)
        {
            expected.AddRange(model.Take(count).Select(static entry => entry.Task));
            model.RemoveRange(0, count);
        }
    });

    private static ResultKey KeyOf(string? run, string task) => ResultKey.Of(ResultOf(run, task));

    private static TaskResult ResultOf(string? run, string task) => new() { TaskId = task, WorkflowId = run, Status = AgentTaskStatus.Completed };
}
