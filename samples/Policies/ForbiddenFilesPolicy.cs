using Conductor.Policies;

namespace Policies;

/// <summary>A policy about the task: whichever agent took it, the answer would be the same, so a denial ends the search at once.</summary>
internal sealed class ForbiddenFilesPolicy(string forbidden) : Policy<DispatchPolicyContext>
{
    /// <inheritdoc />
    public override string Name => "forbidden_files";

    /// <inheritdoc />
    public override string Description => $"Nobody copies {forbidden}.";

    /// <inheritdoc />
    protected override ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken) =>
        new(context.Task.Input.TryGet<string>(out var file) && file == forbidden ? Denied($"'{file}' must not be copied.") : Allowed);
}
