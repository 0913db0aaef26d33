using Conductor.Agents;
using Conductor.Coordination;
using Conductor.DependencyInjection;
using static Conductor.Tests.Support.Containers;

namespace Conductor.Tests.DependencyInjection;

/// <summary>The forms in which users write their work: whatever their methods give, with an input or without, with a type or its name.</summary>
public sealed class DelegateFormsTests
{
    private static readonly AgentType _type = new("worker");

    public static TheoryData<string, Action<ConductorBuilder>> WithOutput => new()
    {
        { "async lambda", static builder => builder.AddAgent("worker", static async (string text, TaskContext _, CancellationToken _) =>
            {
                await Task.Yield();
                return text.Length;
            })
        },
        { "async lambda without input", static builder => builder.AddAgent(_type, static async (task, _) =>
            {
                await Task.Yield();
                return task.Task.Input.Get<string>().Length;
            })
        },
        { "ValueTask", static builder => builder.AddAgent(_type, static (string text, TaskContext _, CancellationToken _) => ValueTask.FromResult(text.Length)) },
        { "Task", static builder => builder.AddAgent("worker", static (string text, TaskContext _, CancellationToken _) => Task.FromResult(text.Length)) },
        { "Task, of a type", static builder => builder.AddAgent(_type, static (string text, TaskContext _, CancellationToken _) => Task.FromResult(text.Length)) },
        { "Task without input", static builder => builder.AddAgent("worker", static (task, _) => Task.FromResult(task.Task.Input.Get<string>().Length)) },
        { "method group", static builder => builder.AddAgent<string, int>("worker", LengthAsync) },
        { "class", static builder => builder.AddAgent<LengthAgent>("worker") },
        { "factory", static builder => builder.AddAgent("worker", static _ => new LengthAgent()) },
    };

    public static TheoryData<string, Action<ConductorBuilder, List<string>>> WithoutOutput => new()
    {
        { "async lambda", static (builder, done) => builder.AddAgent("worker", async (string text, TaskContext _, CancellationToken _) =>
            {
                await Task.Yield();
                done.Add(text);
            })
        },
        { "async lambda without input", static (builder, done) => builder.AddAgent(_type, async (task, _) =>
            {
                await Task.Yield();
                done.Add(task.Task.Input.Get<string>());
            })
        },
        { "Task", static (builder, done) => builder.AddAgent(_type, (string text, TaskContext _, CancellationToken token) => Task.Run(() => done.Add(text), token)) },
        { "Task without input", static (builder, done) => builder.AddAgent("worker", (task, token) => Task.Run(() => done.Add(task.Task.Input.Get<string>()), token)) },
    };

    public static TheoryData<string, Action<ConductorBuilder>> WithoutATask => new()
    {
        { "output", static builder => builder.AddAgent(_type, static (string _, TaskContext _, CancellationToken _) => (Task<int>)null!) },
        { "output, no input", static builder => builder.AddAgent(_type, static (_, _) => (Task<int>)null!) },
        { "no output", static builder => builder.AddAgent("worker", static (string _, TaskContext _, CancellationToken _) => (Task)null!) },
        { "no output, no input", static builder => builder.AddAgent("worker", static (_, _) => (Task)null!) },
    };

    [Theory]
    [MemberData(nameof(WithOutput))]
    public async Task AddAgent_EveryFormWithAnOutput_GivesIt(string form, Action<ConductorBuilder> add)
    {
        await using var conductor = await StartAsync(add);

        (await conductor.DispatchAsync<int>(_type, "four")).Should().Be(4, form);
    }

    [Theory]
    [MemberData(nameof(WithoutOutput))]
    public async Task AddAgent_EveryFormWithoutAnOutput_DoesTheWork(string form, Action<ConductorBuilder, List<string>> add)
    {
        var done = new List<string>();
        await using var conductor = await StartAsync(builder => add(builder, done));

        var result = await conductor.DispatchTaskAsync(new TaskDefinition { AgentType = _type, Input = "four" });

        (result.IsSuccess, result.Output.IsEmpty).Should().Be((true, true), form);
        done.Should().Equal("four");
    }

    [Fact]
    public async Task AddAgent_WorkWithoutOutputFails_SoDoesTheTask()
    {
        await using var conductor = await StartAsync(static builder => builder.AddAgent("worker", static async (_, _) =>
        {
            await Task.Yield();
            throw new InvalidTimeZoneException("scripted");
        }));

        var result = await conductor.DispatchTaskAsync(new TaskDefinition { AgentType = _type });

        result.Error!.Message.Should().Contain("scripted");
    }

    [Theory]
    [MemberData(nameof(WithoutATask))]
    public async Task AddAgent_DelegateThatGivesNull_FailsTheTaskAndSaysSo(string form, Action<ConductorBuilder> add)
    {
        await using var conductor = await StartAsync(add);

        var result = await conductor.DispatchTaskAsync(new TaskDefinition { AgentType = _type, Input = "four" });

        result.Error!.Message.Should().Be("The delegate of agent type 'worker' gave null instead of a Task.", form);
    }

    [Fact]
    public async Task DispatchAsync_OfATask_GivesItsOutput()
    {
        await using var conductor = await StartAsync(static builder => builder.AddAgent<LengthAgent>("worker"));

        (await conductor.DispatchAsync<int>(new TaskDefinition { AgentType = _type, Input = "four" })).Should().Be(4);
    }

    [Fact]
    public async Task DispatchAsync_TypeGivenByItsName_GoesToAnAgentOfIt()
    {
        await using var conductor = await StartAsync(static builder => builder.AddAgent<LengthAgent>("worker")
            .AddAgent("double", static (int number, TaskContext _, CancellationToken _) => Task.FromResult(2 * number)));

        (await conductor.DispatchAsync<int>("worker", "four")).Should().Be(4);
        (await conductor.Coordinator.DispatchAsync<int>("Worker", "three")).Should().Be(5);
        (await conductor.DispatchAsync<int, int>("double", 4)).Should().Be(8);
        (await conductor.Coordinator.DispatchAsync<int, int>("double", 5)).Should().Be(10);
        await FluentActions.Awaiting(async () => await conductor.DispatchAsync<int>("what is this?")).Should().ThrowAsync<ArgumentException>();
        await FluentActions.Awaiting(async () => await conductor.DispatchAsync<int>("editor")).Should().ThrowAsync<NoAvailableAgentException>()
            .WithMessage("*No agent of type 'editor' is registered. Registered types: double, worker.*");
    }

    [Fact]
    public async Task OnceAsync_EffectThatGivesAValueTask_IsDoneOnce()
    {
        var done = 0;
        await using var conductor = await StartAsync(builder => builder.AddAgent("worker", async (task, token) =>
        {
            await task.OnceAsync("count", Count, token);
            await task.OnceAsync("count", Count, token);
        }));

        (await conductor.DispatchTaskAsync(new TaskDefinition { AgentType = _type })).IsSuccess.Should().BeTrue();

        done.Should().Be(1);

        ValueTask Count(CancellationToken token)
        {
            done++;
            return ValueTask.CompletedTask;
        }
    }

    [Fact]
    public void Task_OfATypeGivenByItsName_IsOfThatType()
    {
        var definition = new WorkflowDefinitionBuilder("names", "1")
            .Phase(WorkflowPhase.Development, static phase =>
            {
                phase.Task("a", "worker");
                phase.Task("b", "worker", 7);
            })
            .Build();

        definition.Tasks.Should().OnlyContain(static task => task.AgentType == _type);
        definition.Tasks[1].Input.Get<int>().Should().Be(7);
    }

    private static Task<int> LengthAsync(string text, TaskContext task, CancellationToken token) => Task.FromResult(text.Length);

    private sealed class LengthAgent : BaseAgent<string, int>
    {
        protected override ValueTask<int> RunAsync(string input, TaskContext task, CancellationToken cancellationToken) => ValueTask.FromResult(input.Length);
    }
}
