using Conductor.Agents;
using Conductor.DependencyInjection;
using Conductor.Workflows;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Sqlite.Tests;

/// <summary>Data of which JSON leaves out everything would come back empty in the next program: it is refused where it is written.</summary>
public sealed class HiddenStateTests : IDisposable
{
    private static readonly WorkflowDefinition _one = new()
    {
        Name = "one",
        Phases = [WorkflowPhase.Development],
        Tasks = [new TaskDefinition { Id = "a", AgentType = AgentType.Coding }],
    };

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task StartWorkflow_WithATupleForAnInput_IsRefusedBeforeAnythingRunsAndTheIdIsFree()
    {
        var runs = 0;
        await using var provider = Provider(builder => builder.AddAgent(AgentType.Coding, (_, _) => ValueTask.FromResult(++runs)));
        var conductor = await provider.StartConductorAsync();
        var bad = _one with { Tasks = [_one.Tasks[0] with { Input = TaskData.From((7, "seven")) }] };

        var start = () => conductor.Workflows.StartWorkflowAsync(bad, new WorkflowRunOptions { RunId = "run" }).AsTask();

        (await start.Should().ThrowAsync<TaskValidationException>()).Which.Message.Should().ContainAll("ValueTuple", "use a record");
        runs.Should().Be(0);
        (await conductor.Workflows.RunWorkflowAsync(_one, new WorkflowRunOptions { RunId = "run" })).Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    public async Task Output_OfFieldsAlone_FailsItsTaskOnce()
    {
        var runs = 0;
        await using var provider = Provider(builder => builder.AddAgent(
            AgentType.Coding, _ => new Giving(() => TaskData.From(new List<Fields> { new() { N = ++runs } }))));
        var conductor = await provider.StartConductorAsync();

        var state = await conductor.Workflows.RunWorkflowAsync(_one);

        var result = state.TaskResults["a"];
        (state.Status, result.Status, result.Error!.Code, runs).Should()
            .Be((WorkflowStatus.Failed, AgentTaskStatus.Failed, ErrorCodes.TaskValidationFailed, 1));
        result.Error.Message.Should().ContainAll(typeof(Fields).ToString(), "[JsonInclude]");
    }

    [Fact]
    public async Task OnceAsync_OfATuple_IsRefused()
    {
        await using var provider = Provider(static builder => builder.AddAgent(AgentType.Coding, static async (task, token) =>
            (await task.OnceAsync("effect", static _ => ValueTask.FromResult((7, "seven")), token)).Item1));
        var conductor = await provider.StartConductorAsync();

        var result = await conductor.DispatchTaskAsync(new TaskDefinition { AgentType = AgentType.Coding });

        (result.Status, result.Error!.Code).Should().Be((AgentTaskStatus.Failed, ErrorCodes.TaskValidationFailed));
        result.Error.Message.Should().ContainAll("ValueTuple", "use a record");
    }

    [Fact]
    public async Task StartConductor_AgentThatTakesFieldsAlone_SaysSoAtStart()
    {
        await using var provider = Provider(static builder => builder.AddAgent("any", static (Fields _, TaskContext _, CancellationToken _) => ValueTask.FromResult(1)));

        var start = () => provider.StartConductorAsync();

        (await start.Should().ThrowAsync<TaskValidationException>()).Which.Message.Should()
            .ContainAll("cannot write and read", typeof(Fields).ToString(), "[JsonInclude]");
    }

    private ServiceProvider Provider(Action<ConductorBuilder> add)
    {
        var services = new ServiceCollection();
        add(services.AddConductor().UseSqlite(_folder.ConnectionString));
        return services.BuildServiceProvider();
    }

    private sealed class Fields
    {
        public int N;
    }

    private sealed class Giving(Func<TaskData> give) : BaseAgent
    {
        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(give());
    }
}
