using Conductor.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Sqlite.Tests;

/// <summary>Dead letters that are replayed, where not everything can be written down.</summary>
public sealed class ReplayTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>A tuple, of which JSON would leave out everything.</summary>
    [Fact]
    public async Task ReplayDeadLetterAsync_IsGivenUpAndTheCorrectedInputCannotBeWritten_LeavesTheLetterWithItsInput()
    {
        await using var provider = await StartAsync();
        var conductor = provider.GetRequiredService<ConductorRuntime>();
        await conductor.DispatchTaskAsync(new TaskDefinition { AgentType = AgentType.Coding, Input = "what was asked" });
        var letter = (await conductor.Errors.GetDeadLetterQueueAsync()).Single();

        var replay = await conductor.Coordinator.ReplayDeadLetterAsync(letter.Id, TaskData.From((Words: 1, Pages: 2)));

        replay.Error!.Code.Should().Be(ErrorCodes.TransientError);
        var left = (await conductor.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle().Which;
        left.Id.Should().Be(letter.Id);
        left.Task!.Input.Get<string>().Should().Be("what was asked");
    }

    /// <summary>Somebody deleted the letter meanwhile: better one without an input than none.</summary>
    [Fact]
    public async Task ReplayDeadLetterAsync_TheSameAndTheLetterIsGone_LeavesOneWithout()
    {
        ServiceProvider? started = null;
        await using var provider = await StartAsync(async () =>
        {
            if (started is not null)
            {
                await started.GetRequiredService<ConductorRuntime>().Errors.ClearDeadLetterQueueAsync();
            }
        });
        var conductor = provider.GetRequiredService<ConductorRuntime>();
        await conductor.DispatchTaskAsync(new TaskDefinition { AgentType = AgentType.Coding, Input = "what was asked" });
        var letter = (await conductor.Errors.GetDeadLetterQueueAsync()).Single();
        started = provider;

        await conductor.Coordinator.ReplayDeadLetterAsync(letter.Id, TaskData.From((Words: 1, Pages: 2)));

        var left = (await conductor.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle().Which;
        (left.ReplayOf, left.Task!.Input.IsEmpty).Should().Be((letter.Id, true));
    }

    private async Task<ServiceProvider> StartAsync(Func<Task>? before = null)
    {
        var services = new ServiceCollection();
        services.AddConductor(static options => options.Retry.MaxRetries = 0)
            .UseSqlite(_folder.ConnectionString)
            .AddAgent<string>(AgentType.Coding, async (_, _) =>
            {
                await (before?.Invoke() ?? Task.CompletedTask);
                throw new IOException("down");
            });
        var provider = services.BuildServiceProvider();
        await provider.StartConductorAsync();
        return provider;
    }
}
