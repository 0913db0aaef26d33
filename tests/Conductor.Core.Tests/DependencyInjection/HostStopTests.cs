using Conductor.Agents;
using Conductor.DependencyInjection;
using Conductor.Diagnostics;
using Conductor.State;
using Conductor.Testing;
using Conductor.Tests.Support;
using Conductor.Workflows;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Conductor.Tests.DependencyInjection;

/// <summary>What a service of a host awaits when the host stops, which stops those first that were registered last.</summary>
public sealed class HostStopTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task RunWorkflowAsync_ByTheTokenOfAServiceWhenTheHostStops_IsHandedOverAndGoesOnInTheNextLife()
    {
        await using var store = new InMemoryStateManager(new ConductorEnvironment());
        var (begun, lives) = (new TaskCompletionSource(), 0);
        async ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken)
        {
            if (++lives == 1)
            {
                begun.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            }

            return "done";
        }

        // (Disposed after the second: it disposes of the store.)
        using var first = NewHost(store, RunAsync);
        await first.StartAsync();
        await begun.Task.WaitAsync(_patience);
        await first.StopAsync(new CancellationToken(canceled: true)).WaitAsync(_patience);
        await FluentActions.Awaiting(() => RunnerOf(first).ExecuteTask!.WaitAsync(_patience)).Should().ThrowAsync<OperationCanceledException>();

        using var second = NewHost(store, RunAsync);
        await second.StartAsync();
        var runner = RunnerOf(second);
        await runner.ExecuteTask!.WaitAsync(_patience);
        await second.StopAsync().WaitAsync(_patience);

        (runner.State!.Status, lives).Should().Be((WorkflowStatus.Completed, 2));
    }

    [Fact]
    public async Task RunWorkflowAsync_TokenCancelledWhileTheHostRuns_IsCancelled()
    {
        await using var store = new InMemoryStateManager(new ConductorEnvironment());
        using var host = NewHost(store, StoreTrouble.Stuck, runs: false);
        await host.StartAsync();
        using var cancellation = new CancellationTokenSource();
        var engine = host.Services.GetRequiredService<WorkflowEngine>();
        var waiting = engine.RunWorkflowAsync(StoreTrouble.One, StoreTrouble.Run, cancellation.Token).AsTask();
        await Rig.UntilAsync(() => host.Services.GetRequiredService<ConductorRuntime>().Coordinator.RunningTasks == 1, "the task to run");

        await cancellation.CancelAsync();

        await FluentActions.Awaiting(() => waiting.WaitAsync(_patience)).Should().ThrowAsync<OperationCanceledException>();
        (await store.GetWorkflowStateAsync("run"))!.Status.Should().Be(WorkflowStatus.Cancelled);
        await host.StopAsync().WaitAsync(_patience);
    }

    private static IHost NewHost(StateManager store, Func<TaskContext, CancellationToken, ValueTask<TaskData>> run, bool runs = true)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Services.AddConductor().UseStateManager(_ => new Lasting(store)).AddAgent(AgentType.Coding, _ => new LambdaAgent(run));
        if (runs)
        {
            builder.Services.AddHostedService<Runner>();
        }

        return builder.Build();
    }

    private static Runner RunnerOf(IHost host) => host.Services.GetServices<IHostedService>().OfType<Runner>().Single();

    private sealed class Runner(WorkflowEngine engine) : BackgroundService
    {
        public WorkflowState? State { get; private set; }

        protected override async Task ExecuteAsync(CancellationToken stoppingToken) =>
            State = await engine.RunWorkflowAsync(StoreTrouble.One, StoreTrouble.Run, stoppingToken);
    }

    /// <summary>Outlives its host.</summary>
    private sealed class Lasting(StateManager store) : DelegatingStateManager(store)
    {
        public override DurabilityLevel Durability => DurabilityLevel.ProcessCrash;
    }
}
