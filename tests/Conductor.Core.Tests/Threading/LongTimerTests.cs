using Conductor.Threading;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Tests.Threading;

/// <summary>Times that are longer than a timer of .NET takes.</summary>
public sealed class LongTimerTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1)]
    [InlineData(49)]
    [InlineData(60)]
    [InlineData(1_000)]
    public void LongTimer_AnyTime_CallsBackOnceWhenItIsOver(int days)
    {
        var time = new FakeTimeProvider();
        var due = TimeSpan.FromDays(Math.Max(days, 0));
        var calls = new List<TimeSpan>();
        var begunAt = time.GetTimestamp();
        using var timer = new LongTimer(time, TimeSpan.FromDays(days), state => calls.Add(time.GetElapsedTime((long)state)), begunAt);

        for (var day = 0; day < 1_100; day++)
        {
            time.Advance(TimeSpan.FromDays(1));
        }

        calls.Should().ContainSingle().Which.Should().BeGreaterThanOrEqualTo(due).And.BeLessThan(due + TimeSpan.FromDays(2));
    }

    /// <summary>By the clock of the system: one of a test takes any time.</summary>
    [Theory]
    [InlineData(60)]
    [InlineData(10_000_000)]
    public async Task Run_WithLimitsOfManyDays_RunsAsEver(int days)
    {
        var limit = TimeSpan.FromDays(days);
        var services = new ServiceCollection();
        services.AddConductor(static conductor => conductor.Dispatch.WaitLimit = TimeSpan.MaxValue)
            .AddAgent<string>(AgentType.Coding, static async (_, token) =>
            {
                await Task.Delay(TimeSpan.FromMilliseconds(5), token);
                return "done";
            });
        await using var provider = services.BuildServiceProvider();
        var conductor = await provider.StartConductorAsync();
        TaskDefinition[] tasks =
            [.. Enumerable.Range(0, 3).Select(number => new TaskDefinition { Id = $"{number}", AgentType = AgentType.Coding, Deadline = limit })];

        var state = await conductor.Workflows.RunWorkflowAsync(new WorkflowDefinition { Name = "long", Timeout = limit, Tasks = tasks });

        (state.Status, state.CompletedTasks).Should().Be((WorkflowStatus.Completed, 3));
    }
}
